"""What a policy made of many prompts, in constant memory: counts, histograms, examples."""

from collections import Counter
from typing import Any, NamedTuple

from curation.pairing.policy import Built

MAX_DISTINCT = 2000  # margins that are counted one by one; then they are rounded further
BINS = 20
EXAMPLES = 5
CAUSES = ("tie", "both_bad")  # labels that decide nothing, told apart from other reasons


class Bin(NamedTuple):
    """low <= value < high; the last bin holds its high end, too."""

    low: float
    high: float
    pairs: int


class Summary:
    """Counts as it goes. `prompts` have labels or responses; `paired` got at least one pair."""

    def __init__(self) -> None:
        self.prompts = self.paired = self.pairs = 0
        self.skipped: Counter[str] = Counter()
        self.stages: Counter[int] = Counter()
        self.margins: Counter[float] = Counter()
        self.lengths: dict[str, Counter[int]] = {"chosen": Counter(), "rejected": Counter()}
        self.digits = 6

    def add_prompt(self, built: Built) -> None:
        self.prompts += 1
        self.paired += bool(built.pairs)
        self.pairs += len(built.pairs)
        self.skipped.update(built.skipped)
        self.stages.update(pair.stage for pair in built.pairs if pair.stage is not None)
        self.margins.update(
            round(pair.margin, self.digits) for pair in built.pairs if pair.margin is not None
        )
        while len(self.margins) > MAX_DISTINCT and self.digits > -12:
            self.coarsen()

    def coarsen(self) -> None:
        self.digits -= 1
        coarse: Counter[float] = Counter()
        for margin, count in self.margins.items():
            coarse[round(margin, self.digits)] += count
        self.margins = coarse

    def add_lengths(self, chosen: int, rejected: int) -> None:
        """In characters."""
        self.lengths["chosen"][chosen.bit_length()] += 1
        self.lengths["rejected"][rejected.bit_length()] += 1

    def report(self) -> dict[str, Any]:
        """As JSON; reasons that did not occur are left out."""
        reasons = {name: count for name, count in sorted(self.skipped.items()) if count}
        return {
            "prompts": self.prompts,
            "prompts_paired": self.paired,
            "pairs": self.pairs,
            "ties": sum(reasons.pop(cause, 0) for cause in CAUSES),
            "skipped": reasons,
            "stages": {str(stage): count for stage, count in sorted(self.stages.items())},
            "margins": [bin._asdict() for bin in histogram(self.margins)],
            "lengths": {
                side: [bin._asdict() for bin in doubling(counted)]
                for side, counted in self.lengths.items()
            },
        }


def histogram(counted: Counter[float]) -> list[Bin]:
    """At most 20 bins of equal width; a bin a value where there are few."""
    values = sorted(counted)
    if len(values) <= BINS:
        return [Bin(value, value, counted[value]) for value in values]
    low, width = values[0], (values[-1] - values[0]) / BINS
    bins = [0] * BINS
    for value, count in counted.items():
        bins[min(int((value - low) / width), BINS - 1)] += count
    return [Bin(low + i * width, low + (i + 1) * width, count) for i, count in enumerate(bins)]


def doubling(counted: Counter[int]) -> list[Bin]:
    """Bins 0, 1, 2..3, 4..7, ... of lengths, from the first to the last that is used."""
    if not counted:
        return []
    return [
        Bin(0.0 if bits == 0 else 2.0 ** (bits - 1), 1.0 if bits == 0 else 2.0**bits, counted[bits])
        for bits in range(min(counted), max(counted) + 1)
    ]
