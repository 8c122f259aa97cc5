"""Why a pair is in the queue, in a sentence."""

from collections.abc import Sequence

UNSURE = 0.1  # from one half


def why(p_a: float, p_correct: float | None, witnesses: Sequence[str], judgments: int) -> str:
    """`p_correct` None: the label is a tie."""
    if p_correct is None:
        said = f"the label is a tie, and a is better with P {told(p_a)}"
    elif p_correct < 0.5 - UNSURE:
        said = f"the label is probably wrong: right with P {told(p_correct)}"
    elif p_correct < 0.5 + UNSURE:
        said = f"nobody knows: the label is right with P {told(p_correct)}"
    else:
        said = f"the label is right with P {told(p_correct)}"
    against = f"; against it: {', '.join(witnesses)}" if witnesses else ""
    of = "one label" if judgments == 1 else f"{judgments} labels"
    return f"{said}{against}; {of} so far"


def told(p: float) -> str:
    """Never as if it were certain."""
    if 0.01 <= p <= 0.99:
        return f"= {p:.2f}"
    return "< 0.01" if p < 0.01 else "> 0.99"
