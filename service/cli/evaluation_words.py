"""What an evaluation found, in words and tables that fit 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from service.cli.screen import advise, printable, put, say
from service.report import words
from service.report.terminal import COLOURS, accuracy_table

HEAD = "independent"


def tell_evaluation(found: Mapping[str, Any], subset: str) -> None:
    answer = words.short_verdict(found)
    say(f"Better than random? {answer}", f"bold {COLOURS.get(answer, 'yellow')}")
    say(words.verdict(found))
    if heads := words.heads(found):
        put(accuracy_table(heads))
    if "splits" in found:
        say(
            f"{found['splits']} splits by prompt of {found['pairs']:,} pairs; {found['size']:,.0f} "
            f"kept of those that train."
        )
    if gate := found.get("behind_gate"):
        tell_gate(gate)
    for other, told in (found.get("against") or {}).items():
        tell_rival(other, told)
    for field, classes in (found.get("slices") or {}).items():
        put(slices(field, classes))
        if any("warning" in told for told in classes.values()):
            say("Without an interval: too few test pairs a split.")
    for head, told in (found.get("curve") or {}).items():
        say(f"Learning curve, {head} head: {words.enough(told)}")
    everything = f"prefsift evaluate {subset} --json   # every figure"
    advise(f"prefsift export {subset} --out DIR", everything)


def tell_gate(told: Mapping[str, Any]) -> None:
    """What of the gain is the gate's, and what the choice's behind it."""
    say(f"Against random ones of the {told['could_take']:.0%} that it could have taken:", "bold")
    tell_heads(told["heads"])


def tell_rival(other: str, told: Mapping[str, Any]) -> None:
    """This subset less the other one, by head."""
    say(f"Against {other} ({told['size']:,.0f} pairs):", "bold")
    tell_heads(told["heads"])


def tell_heads(heads: Mapping[str, Mapping[str, Any]]) -> None:
    for head, each in heads.items():
        gain = words.signed_interval(each["difference"])
        say(f"  {head} head: {gain}; they have {words.percent(each['accuracy'])}")


def slices(field: str, classes: Mapping[str, Mapping[str, Any]]) -> Table:
    """Accuracies of the independent head in each class; no interval where few were tested."""
    title = f"by {field}, {HEAD} head"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(field, overflow="fold")
    for name in ("tested", "subset", "random", "subset − random"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, told in classes.items():
        figures = told["heads"][HEAD]
        gain = words.signed_interval(figures.get("difference"))
        shares = (words.percent(figures[each]) for each in ("subset", "random"))
        table.add_row(Text(printable(name) or "–"), f"{told['test']:,}", *shares, Text(gain))
    return table
