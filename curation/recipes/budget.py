"""How much to keep: a share or a count of what can be selected, so many tokens, or a sum."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

COUNT = re.compile(r"[0-9]{1,12}")
PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%")
NUMBER = r"([0-9][0-9,]{0,15}(?:\.[0-9]{1,9})?) ?([kMB]?)"
TOKENS = re.compile(rf"{NUMBER} ?tokens")
SUM = re.compile(r"\$ ?([0-9][0-9,]{0,12}(?:\.[0-9]{1,9})?)")
PRICE = re.compile(
    rf"\$ ?([0-9]{{1,9}}(?:\.[0-9]{{1,12}})?) ?(?:per|/) ?(?:{NUMBER} ?)?(pair|token)s?"
)
AT = re.compile(r"(.+?) ?(?: at |@) ?(.+)")
MEANT = '"10%", "500", "2M tokens" or "$50 at $2 per 1M tokens"'


class Price(NamedTuple):
    """Dollars for so many pairs or tokens."""

    dollars: Decimal
    units: int
    unit: str  # pair | token

    @classmethod
    def parse(cls, text: str) -> "Price":
        """ "$2 per 1M tokens" or "$0.05 per pair". ValueError says what was wrong."""
        found = PRICE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f'a price is "$2 per 1M tokens" or "$0.05 per pair": {text!r}')
        units = scaled(found[2], found[3]) if found[2] else 1
        dollars = Decimal(found[1])
        if dollars == 0 or units == 0:
            raise ValueError(f"a price is above 0: {text!r}")
        return cls(dollars, units, found[4])

    def buys(self, dollars: Decimal) -> int:
        """Whole pairs or tokens."""
        return int(Fraction(dollars) / Fraction(self.dollars) * self.units)

    def of(self, units: int) -> float:
        """Dollars."""
        return float(Fraction(self.dollars) * units / self.units)

    def __str__(self) -> str:
        many = f"{self.units} {self.unit}s" if self.units > 1 else self.unit
        return f"${plain(self.dollars)} per {many}"


class Budget(NamedTuple):
    """One of `percent` in (0, 100], `pairs` and `tokens`, at least 1, or `dollars` at a price."""

    percent: float | None = None
    pairs: int | None = None
    tokens: int | None = None
    dollars: Decimal | None = None
    price: Price | None = None

    @classmethod
    def parse(cls, text: str, price: str | None = None) -> "Budget":
        """ "10%", "500", "2M tokens", "$50 at $2 per 1M tokens", or "$50" with `price` apart.

        ValueError says what was wrong.
        """
        text = text.strip()
        if text.startswith("$"):
            return cls.bought(text, price)
        if price is not None:
            raise ValueError(f"a price goes with a budget in dollars, not with {text!r}")
        if COUNT.fullmatch(text):
            return cls(pairs=some(int(text), "pairs"))
        if tokens := TOKENS.fullmatch(text):
            return cls(tokens=some(scaled(tokens[1], tokens[2]), "tokens"))
        percent = PERCENT.fullmatch(text)
        if percent is None:
            raise ValueError(f"a budget is {MEANT}: {text!r}")
        share = float(percent[1])
        if not 0 < share <= 100:
            raise ValueError(f"a percentage lies above 0 and is at most 100: {text!r}")
        return cls(percent=share)

    @classmethod
    def bought(cls, text: str, price: str | None) -> "Budget":
        if at := AT.fullmatch(text):
            if price is not None:
                raise ValueError(f"the budget {text!r} names a price, and {price!r} is another")
            text, price = at[1], at[2]
        dollars = SUM.fullmatch(text)
        if dollars is None:
            raise ValueError(f"a budget is {MEANT}: {text!r}")
        if price is None:
            raise ValueError(f'a budget of {text} needs a price: "{text} at $2 per 1M tokens"')
        found = Price.parse(price)
        budget = cls(dollars=Decimal(dollars[1].replace(",", "")), price=found)
        some(found.buys(budget.dollars or Decimal(0)), f"{found.unit}s")
        return budget

    @property
    def token_limit(self) -> int | None:
        """Tokens that may be kept; None where the budget counts pairs."""
        if self.dollars is not None and self.price is not None and self.price.unit == "token":
            return self.price.buys(self.dollars)
        return self.tokens

    def count(self, n: int) -> int:
        """Pairs to keep of n: at most n, at least 1 of any. A half is rounded to the even count.

        ValueError where it takes tokens to know.
        """
        if self.token_limit is not None:
            raise ValueError(f"how many pairs {self} are depends on their tokens")
        if self.percent is not None:
            wanted = round(self.percent / 100 * n)
        elif self.price is not None and self.dollars is not None:
            wanted = self.price.buys(self.dollars)
        else:
            wanted = self.pairs or 0
        return min(max(wanted, 1), n)

    def fraction(self, n: int) -> float:
        """The share of n pairs that is kept, 0..1. ValueError as `count`."""
        return self.count(n) / n if n else 0.0

    def __str__(self) -> str:
        if self.tokens is not None:
            return f"{self.tokens} tokens"
        if self.dollars is not None:
            return f"${plain(self.dollars)} at {self.price}"
        return str(self.pairs) if self.percent is None else f"{self.percent:g}%"


def scaled(number: str, unit: str) -> int:
    """ "1.5" and "M" are 1,500,000; what is less than a whole one is dropped."""
    factor = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}[unit]
    return int(Decimal(number.replace(",", "")) * factor)


def some(count: int, what: str) -> int:
    if count == 0:
        raise ValueError(f"a budget of 0 {what} keeps nothing: give at least 1")
    return count


def plain(number: Decimal) -> str:
    """Without an exponent or zeros at the end."""
    return f"{number.normalize():f}"
