"""Why a pair is in the queue, in a sentence."""

from collections.abc import Sequence

UNSURE = 0.1  # from one half


def why(p_a: float, p_correct: float | None, witnesses: Sequence[str], judgments: int) -> str:
    """`p_correct` None: the label is a tie."""
    if p_correct is None:
        said = f"the label is a tie, and a is better with P = {p_a:.2f}"
    elif p_correct < 0.5 - UNSURE:
        said = f"the label is probably wrong: right with P = {p_correct:.2f}"
    elif p_correct < 0.5 + UNSURE:
        said = f"nobody knows: the label is right with P = {p_correct:.2f}"
    else:
        said = f"the label is right with P = {p_correct:.2f}"
    against = f"; against it: {', '.join(witnesses)}" if witnesses else ""
    of = "one label" if judgments == 1 else f"{judgments} labels"
    return f"{said}{against}; {of} so far"
