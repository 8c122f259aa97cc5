"""The learning curve in the report page."""

from service.report import charts, words

CURVE = {
    "sizes": [50, 100, 200, 400], "accuracy": [0.55, 0.6, 0.63, 0.64], "shape": "plateau",
    "a": 0.64, "b": 0.14, "c": 0.01, "ceiling": 0.64, "recommended": 230, "saved": 0.425,
    "why": None,
}  # fmt: skip
UNKNOWN = {**CURVE, "recommended": None, "shape": None, "why": "more pairs are not seen to help"}
EVALUATION = {
    "curve": {"selecting": CURVE, "independent": UNKNOWN},
    "heads": {name: {"subset": {"accuracy": 0.62}} for name in ("selecting", "independent")},
    "size": 80,
}  # fmt: skip


def test_the_picture_is_there_only_with_a_curve_and_is_the_same_each_time() -> None:
    assert charts.learning_curve(None) == charts.learning_curve({}) == ""
    drawn = charts.learning_curve(EVALUATION)
    assert drawn.startswith("<svg")
    assert "independent head" in drawn
    assert drawn == charts.learning_curve(EVALUATION)


def test_the_recommendation_in_words() -> None:
    assert words.enough(CURVE).startswith("230 random pairs reach 95 %")
    assert "43%" in words.enough(CURVE) or "42%" in words.enough(CURVE)
    assert words.enough(UNKNOWN) == "more pairs are not seen to help."
