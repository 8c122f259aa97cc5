"""The list of recipes for people: a line of figures each, and below it what it is and lacks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.cli.screen import many, say, whole

STATES = {
    "full": "run in full",
    "degraded": "run degraded (below: what happens instead)",
    "needs": "need what is not there",
}


def tell_recipes(lines: Sequence[Mapping[str, Any]], source: str | None) -> None:
    """What runs comes first. `source`: the file or dataset that they were held against."""
    counts = Counter(map(state, lines))
    place = f"on {source}" if source else "on data that have what is needed"
    said = ", ".join(f"{counts[each]} {words}" for each, words in STATES.items() if counts[each])
    say(f"{many(len(lines), 'recipe')}; {place}, {said}.\n")
    timed = any(line["cost"]["seconds"] is not None for line in lines)
    name = max((len(line["name"]) for line in lines), default=0)
    heads = row("name", "runs", "budget", "time" if timed else "s/1000 pairs", "arXiv", name)
    whole(heads, "bold")
    for line in sorted(lines, key=lambda line: [*STATES].index(state(line))):
        whole(row(*figures(line), name))
        for each in told(line):
            say(each, indent=4)


def state(line: Mapping[str, Any]) -> str:
    """full, degraded or needs."""
    return line["runs"].partition(":")[0]


def row(name: str, runs: str, budget: str, time: str, paper: str, width: int) -> str:
    return f"{name:<{width}}  {runs:<8}  {budget:>6}  {time:>12}  {paper}".rstrip()


def figures(line: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    seconds = line["cost"]["seconds"]
    cost = line["cost"]["seconds_per_1000_pairs"] if seconds is None else seconds
    shown = f"{cost:,.0f}" if cost >= 10 else f"{cost:.1f}" if cost >= 0.1 else "< 0.1"
    unit = "" if seconds is None else " s"
    return line["name"], state(line), line["budget"], f"{shown}{unit}", line["paper"] or ""


def told(line: Mapping[str, Any]) -> Iterator[str]:
    """Its title; what an export has of it besides the pairs; of its needs, those that are open."""
    yield line["title"]
    more = [each for each in line["gives"] if each != "subset"]
    if more:
        yield f"gives {', '.join(more)}"
    for need in line["needs"]:
        if need["present"] is None or need["present"] < need["least"]:
            yield need_line(need)


def need_line(need: Mapping[str, Any]) -> str:
    """What it needs and what for; where it is missing, whether it runs all the same."""
    what = need["what"].replace("_", " ")
    least = "" if need["least"] == 1 else f", {need['least']:,} or more"
    there = "" if need["present"] is None else f" (there: {need['present']:,})"
    if need["without"] and need["present"] is not None:
        return f"without {what}{least}{there}: {need['without']}"
    otherwise = f"; else {need['without']}" if need["without"] else ""
    return f"needs {what}{least}{there}: {need['for']}{otherwise}"
