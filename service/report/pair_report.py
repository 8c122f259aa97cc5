"""What a pair policy built or would build, for the terminal."""

from collections.abc import Sequence
from typing import Any

BAR = 30  # characters of the longest bar
SHOWN = 160  # characters of a text
WORDS = {
    "below_min_gap": "closer than the least margin",
    "equal_texts": "the two responses say the same",
    "same_or_unknown_model": "not of two different models",
    "over_cap": "over the cap per prompt",
    "unrated_response": "responses without a rating",
    "too_few_rated": "prompts with fewer than two rated responses",
    "too_few_ranked": "rankings of fewer than two responses",
    "too_few_rankings": "prompts with too few rankings for a consensus",
    "not_in_all_rankings": "responses that not every ranking names",
    "majority_in_cycle": "majorities that close a cycle",
    "too_few_votes": "too few votes",
    "not_unanimous": "not unanimous",
    "below_min_agreement": "agreement too low",
    "no_comparison": "prompts without a comparison",
    "one_sided": "prompts whose rated responses are all winners, or all losers",
    "stages_disagree": "the scores say the opposite of the comparisons",
    "no_contrast": "prompts without both sides",
    "aspects_disagree": "the mean of the aspects says the opposite",
    "no_margin": "labels without a strength, where a margin is asked for",
    "no_scale": "ratings without a scale",
    "several_scores": "prompts with several kinds of score: name one",
    "contradiction": "gold answers that contradict each other",
    "too_many_responses": "prompts with too many responses",
    "too_many_records": "prompts with too many records",
    "sat_and_dsat_same_turn": "turns that praise and complain",
    "users_disagree": "answers that one turn praises and another blames",
    "no_better_answer": "blamed answers without a better one",
    "no_text": "answers that are no text",
    "over_cap_per_user": "over the cap per user",
    "over_cap_per_cluster": "over the cap per cluster of like requests",
}


def rendered(found: dict[str, Any]) -> str:
    """Lines of text: of a preview, or of a build that is done."""
    report, policy = found["report"], found["policy"]
    lines = [found["why"]] if found.get("why") else []
    name = policy["id"] or policy["kind"]
    verb = "built" if "ordinal" in found else "would build"
    lines.append(
        f"{name} {verb} {report['pairs']:,} pairs of {report['prompts_paired']:,}"
        f" of {report['prompts']:,} prompts"
    )
    if not report["complete"]:
        lines.append("  counted on a part of the prompts, a uniform sample")
    if report.get("already_there"):
        lines.append(f"  {report['already_there']:,} of them were there already")
    if report["ties"]:
        lines.append(f"  {ties(report['ties'])}")
    lines += [f"  {count:,} {WORDS.get(why, why)}" for why, count in report["skipped"].items()]
    lines += [f"  stage {stage}: {count:,} pairs" for stage, count in report["stages"].items()]
    lines += chart("margin", report["margins"])
    for side, bins in report["lengths"].items():
        lines += chart(f"characters of {side}", bins)
    lines += [line for example in report["examples"] for line in example_lines(example)]
    return "\n".join(lines)


def sentence(report: dict[str, Any]) -> str:
    """The counts in one line."""
    parts = [f"{report['pairs']:,} pairs of {report['prompts']:,} prompts"]
    parts += [ties(report["ties"])] if report["ties"] else []
    parts += [f"{count:,} {WORDS.get(why, why)}" for why, count in report["skipped"].items()]
    return ", ".join(parts)


def ties(count: int) -> str:
    return "1 tie" if count == 1 else f"{count:,} ties"


def chart(title: str, bins: Sequence[dict[str, Any]]) -> list[str]:
    """A bar a bin."""
    if not bins:
        return []
    most = max(bin["pairs"] for bin in bins)
    return [
        title,
        *(
            f"  {span(bin):>15} {'█' * round(BAR * bin['pairs'] / most)} {bin['pairs']:,}"
            for bin in bins
        ),
    ]


def span(bin: dict[str, Any]) -> str:
    low, high = f"{bin['low']:g}", f"{bin['high']:g}"
    return low if low == high else f"{low} - {high}"


def example_lines(example: dict[str, Any]) -> list[str]:
    said = example["prompt"][-1]["content"] if example["prompt"] else ""
    margin = "" if example["margin"] is None else f" (margin {example['margin']:g})"
    return [
        f"for example{margin}",
        f"  prompt    {cut(said)}",
        f"  chosen    {cut(example['chosen']['text'])}",
        f"  rejected  {cut(example['rejected']['text'])}",
    ]


def cut(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
