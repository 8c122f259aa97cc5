import pytest

from curation.recipes import Budget


@pytest.mark.parametrize(
    ("text", "n", "kept"),
    [
        ("10%", 2312, 231), ("10%", 25, 2), ("10%", 35, 4), ("10 %", 3, 1), ("0.5%", 1000, 5),
        ("100%", 7, 7), ("500", 2312, 500), ("500", 20, 20), ("10%", 0, 0), ("500", 0, 0),
        (" 1 ", 1, 1),
    ],
)  # fmt: skip
def test_a_budget_is_a_count_of_the_pool(text: str, n: int, kept: int) -> None:
    assert Budget.parse(text).count(n) == kept


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-5", "1e3", "ten", "10 %%", "nan%", "½%"])
def test_what_is_no_budget_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"budget|percentage"):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["10%", "0.5%", "500"])
def test_a_budget_prints_as_it_was_written(text: str) -> None:
    assert str(Budget.parse(text)) == text


def test_the_fraction_of_a_count_is_its_share_of_the_pool() -> None:
    assert Budget.parse("500").fraction(2000) == 0.25
    assert Budget.parse("500").fraction(0) == 0
