"""Which two responses may be a pair, and which pairs stay under a cap."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from curation.pairing.labels import Judged
from curation.pairing.policy import Built, BuiltPair, PairPolicy

TOLERANCE = 1e-9  # two means of the same numbers may differ in their last digit


class Admission:
    """Applies the rules that every policy has; counts why pairs were not built."""

    def __init__(self, policy: PairPolicy, judged: Judged) -> None:
        self.policy, self.judged = policy, judged
        self.skipped: Counter[str] = Counter()

    def refusal(self, a: str, b: str, margin: float | None) -> str | None:
        """Why the two are no pair; None where they are. A margin of 0 is a tie."""
        one, other = self.judged.candidates[a], self.judged.candidates[b]
        if a == b or one.content == other.content:
            return "equal_texts"
        if self.policy.cross_model_only and (
            one.model is None or other.model is None or one.model == other.model
        ):
            return "same_or_unknown_model"
        if margin is not None and abs(margin) <= TOLERANCE and self.policy.ties == "drop":
            return "tie"
        if self.policy.min_gap > 0:
            if margin is None:
                return "no_margin"
            if margin < self.policy.min_gap - TOLERANCE:
                return "below_min_gap"
        return None

    def admits(self, a: str, b: str, margin: float | None) -> bool:
        """Counts the refusal where there is one."""
        reason = self.refusal(a, b, margin)
        if reason is not None:
            self.skipped[reason] += 1
        return reason is None

    def built(self, pairs: Sequence[BuiltPair]) -> Built:
        """Under the cap the widest margins stay; a seeded draw decides between equal ones."""
        cap = self.policy.cap_per_prompt
        if cap is not None and len(pairs) > cap:
            first = sorted(range(len(pairs)), key=lambda i: self.precedence(pairs[i]))[:cap]
            self.skipped["over_cap"] += len(pairs) - cap
            pairs = [pairs[i] for i in sorted(first)]
        return Built(list(pairs), self.skipped)

    def precedence(self, pair: BuiltPair) -> tuple[float, float, int]:
        margin = 0.0 if pair.margin is None else pair.margin
        return -round(margin, 9), -pair.agreement, self.draw(pair.chosen, pair.rejected)

    def draw(self, *names: str) -> int:
        """A uniform number for these responses under the policy's seed, in any order of rows."""
        said = "\0".join((str(self.policy.seed), self.judged.prompt_id, *names))
        return int.from_bytes(blake2b(said.encode(), digest_size=8).digest())
