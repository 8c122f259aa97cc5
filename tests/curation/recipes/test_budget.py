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


@pytest.mark.parametrize(
    ("text", "tokens", "written"),
    [
        ("2M tokens", 2_000_000, "2000000 tokens"),
        ("1.5k tokens", 1500, "1500 tokens"),
        ("2,500 tokens", 2500, "2500 tokens"),
        ("$50 at $2 per 1M tokens", 25_000_000, "$50 at $2 per 1000000 tokens"),
        ("$0.10 @ $0.003/1k tokens", 33_333, "$0.1 at $0.003 per 1000 tokens"),
    ],
)
def test_a_budget_in_tokens_is_a_limit_and_no_count(text: str, tokens: int, written: str) -> None:
    budget = Budget.parse(text)
    assert (budget.token_limit, str(budget)) == (tokens, written)
    assert Budget.parse(written) == budget
    with pytest.raises(ValueError, match="depends on their tokens"):
        budget.count(10)


def test_a_price_a_pair_buys_whole_pairs() -> None:
    budget = Budget.parse("$1", price="$0.30 per pair")
    assert (str(budget), budget.count(10), budget.count(2)) == ("$1 at $0.3 per pair", 3, 2)
    assert budget.token_limit is None
    assert Budget.parse("$0.1 at $0.1 per pair").count(9) == 1  # exact, unlike floats


@pytest.mark.parametrize(
    "text",
    [
        "$50", "$1 at $2 per pair", "$0 at $2 per pair", "$5 at 2", "0 tokens", "5 token",
        "$1e3 at $2 per pair", "$5 at $0 per pair", "$5 at $1 per 0 pairs",
    ],
)  # fmt: skip
def test_a_sum_needs_a_price_that_it_can_pay(text: str) -> None:
    with pytest.raises(ValueError, match=r"budget|price"):
        Budget.parse(text)


def test_two_prices_or_one_without_a_sum_are_refused() -> None:
    with pytest.raises(ValueError, match="names a price"):
        Budget.parse("$5 at $1 per pair", price="$2 per pair")
    with pytest.raises(ValueError, match="goes with a budget in dollars"):
        Budget.parse("10%", price="$2 per pair")
