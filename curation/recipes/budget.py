"""How many pairs to keep: a count or a percentage of what can be selected."""

import re
from typing import NamedTuple

COUNT = re.compile(r"[0-9]{1,12}")
PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%")


class Budget(NamedTuple):
    """Either `percent`, in (0, 100], or `pairs`, at least 1."""

    percent: float | None = None
    pairs: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """ "10%" or "500". ValueError says what was wrong."""
        text = text.strip()
        if COUNT.fullmatch(text):
            if int(text) == 0:
                raise ValueError("a budget of 0 pairs keeps nothing: give at least 1")
            return cls(pairs=int(text))
        percent = PERCENT.fullmatch(text)
        if percent is None:
            raise ValueError(
                f'a budget is a percentage or a count of pairs, "10%" or "500": {text!r}'
            )
        share = float(percent[1])
        if not 0 < share <= 100:
            raise ValueError(f"a percentage lies above 0 and is at most 100: {text!r}")
        return cls(percent=share)

    def count(self, n: int) -> int:
        """Pairs to keep of n: at most n, at least 1 of any. A half is rounded to the even count."""
        wanted = self.pairs if self.percent is None else round(self.percent / 100 * n)
        return min(max(wanted or 0, 1), n)

    def fraction(self, n: int) -> float:
        """The share of n pairs that is kept, 0..1."""
        return self.count(n) / n if n else 0.0

    def __str__(self) -> str:
        return str(self.pairs) if self.percent is None else f"{self.percent:g}%"
