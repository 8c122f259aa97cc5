"""What a subset is, or would be, in words: how many pairs it keeps, of which, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from service.cli.listing import cell
from service.cli.screen import advise, many, say, tell
from service.report import words

MOST_REASONS = 8
REASONS = {  # where no report stands beside them that explains the scores
    "over_budget": "beyond the budget",
    "not_in_filter": "not in the filter",
}


def tell_subset(found: Mapping[str, Any], *, fresh: bool = False) -> None:
    """`fresh`: it was made just now, so what comes next is said."""
    say(headline(found), "bold")
    manifest: Mapping[str, Any] = found["manifest"] or {}
    facts = {**asked_for(found), **came_of(manifest), **proven(found)}
    tell({"subset": found["id"], **facts, "note": everything(found)})
    if fresh and found["size"]:
        if found["recipe"]["id"] == "combined":
            advise(f"prefsift export {found['id']} --out DIR")
        else:
            advise(f"prefsift evaluate {found['id']}", f"prefsift export {found['id']} --out DIR")


def headline(found: Mapping[str, Any]) -> str:
    recipe = found["recipe"]
    if found["size"] is None:
        return f"{recipe['id']}: {found['state']}"
    kept = f"{found['size']:,} of {many(found['pool'] or 0, 'pair')} kept"
    if recipe["id"] == "combined":
        return f"{kept}: {recipe['title']}"
    return f"{kept} by {recipe['id']} (budget {found['budget']}, seed {found['seed']})"


def everything(found: Mapping[str, Any]) -> str:
    """Where the budget leaves nothing to choose, though it was to."""
    if not found["size"] or found["size"] != found["pool"] or found["budget"] == "100%":
        return ""
    combined = found["recipe"]["id"] == "combined"
    return "" if combined else "the budget is enough for every pair, so none was left out for it"


def asked_for(found: Mapping[str, Any]) -> dict[str, str]:
    asked: Mapping[str, Any] = found["asked"] or {}
    return {
        "tags": ", ".join(found["tags"]),
        "where": str(asked.get("where") or ""),
        "policy": named(asked.get("policy")),
        "made": cell("created_at", found["created_at"]),
    }


def named(policy: Any) -> str:
    """Of a policy that was given by name or whole."""
    return str(policy["id"] or policy["kind"] if isinstance(policy, dict) else policy or "")


def came_of(manifest: Mapping[str, Any]) -> dict[str, str | list[str]]:
    if not manifest:
        return {}
    return {
        "of": [str(each["id"]) for each in manifest.get("parents") or ()],
        "prompts": f"{manifest['prompts_kept']:,} of {manifest['prompts']:,}"
        if manifest.get("prompts") is not None
        else "",
        "tokens": f"{manifest['tokens']:,} ({manifest['tokens_counted_by']})"
        if manifest.get("tokens") is not None
        else "",
        "dropped": [*dropped(manifest.get("reasons") or {})],
        "expects": [*expected(manifest.get("expects") or ())],
        "seeds": steady(manifest.get("stability")),
        "left out": list(manifest.get("degraded") or ()),
    }


def dropped(reasons: Mapping[str, int]) -> Iterator[str]:
    """The most frequent reasons first."""
    found = sorted(
        ((count, code) for code, count in reasons.items() if code != "selected"), reverse=True
    )
    for count, code in found[:MOST_REASONS]:
        yield f"{count:,} {REASONS.get(code) or words.reason(code)}"
    if found[MOST_REASONS:]:
        yield f"{sum(count for count, _ in found[MOST_REASONS:]):,} for other reasons"


def expected(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    said = {True: "yes", False: "no", None: "can't tell"}
    for each in checks:
        yield f"{said[each['held']]}: {each['name']}"


def steady(stability: Mapping[str, Any] | None) -> str:
    """How alike the selections of several seeds are."""
    if not stability:
        return ""
    several = ", ".join(map(str, stability["seeds"]))
    return (
        f"{several}: {many(stability['always'], 'pair')} kept by all, {stability['ever']:,} by "
        f"any; two of them share {stability['jaccard']:.0%} (Jaccard); this is the first"
    )


def proven(found: Mapping[str, Any]) -> dict[str, str]:
    evaluation = found["evaluation"]
    return {} if evaluation is None else {"evaluated": words.verdict(evaluation)}


def tell_subsets(found: Sequence[Mapping[str, Any]], dataset: str) -> None:
    """Two lines each, the newest first: the id, and what it is."""
    if not found:
        typer.echo(f"no such subset yet: `prefsift select {dataset}` makes one")
    for each in sorted(found, key=lambda each: str(each["created_at"]), reverse=True):
        say(each["id"], "bold")
        asked = {name: value for name, value in asked_for(each).items() if value}
        details = [headline(each)]
        details += [f"where {asked['where']}"] if "where" in asked else []
        details += [f"tags {asked['tags']}"] if "tags" in asked else []
        if each["evaluation"] is not None:
            verdict = words.short_verdict(each["evaluation"])
            details.append(f"better than random? {verdict}")
        tell({asked["made"]: "; ".join(details)})


def tell_preview(found: Mapping[str, Any]) -> None:
    """What a selection would take and keep; nothing was made."""
    keeps = found["keeps"]
    if found["pairs"] is None or keeps["pairs"] is None:
        said = "what it would keep can't be counted before the pairs are built"
    else:
        said = f"would keep {keeps['pairs']:,} of {many(found['pairs'], 'pair')}"
    say(f"{said}; nothing was made", "bold")
    tell({
        "candidates": f"{found['candidates']:,} before the filter"
        if found["pairs_are_built"]
        else f"{found['candidates']:,} that the policy would build",
        "refused": [*dropped(found["refused"])],
        "tokens": "" if keeps["tokens"] is None
        else f"about {keeps['tokens']:,}; {keeps['tokens_counted_by']}",
        "cost": "" if keeps["dollars"] is None else f"${keeps['dollars']:,.2f}",
        "scoring": [scored(each) for each in found["signals"]],
        "seconds": "not known" if found["seconds"] is None
        else f"about {found['seconds']:,g} of one CPU thread" if found["seconds"] else "",
    })  # fmt: skip


def scored(signal: Mapping[str, Any]) -> str:
    need = f"{signal['missing']:,} of {many(signal['items'], str(signal['level']))} lack a score"
    texts = f", {many(signal['texts'], 'text')} a vector" if signal["texts"] else ""
    seconds = "" if signal["seconds"] is None else f": {signal['seconds']:,g} s"
    kind = "" if signal["name"] == signal["kind"] else f" ({signal['kind']})"
    return f"{signal['name']}{kind}: {need}{texts}{seconds}"
