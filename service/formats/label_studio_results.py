"""The results of Label Studio's control tags: pairwise, choices, ranker and rating as labels."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from service.formats.fields import items, text
from service.formats.label_columns import rating
from service.formats.published import others
from service.formats.record import Annotator, Comparison, Label, Ranking, Rating, RowError
from service.tables.labels import Outcome

# Names of control tags that say nothing of what is judged.
GENERIC = (
    "pairwise", "pw", "preference", "comparison", "rank", "ranker", "ranking", "rating", "choice",
    "label", "score",
)  # fmt: skip
SELECTED: dict[Any, Outcome] = {"left": Outcome.a, "right": Outcome.b}
OUTCOMES = {"tie": Outcome.tie, "equal": Outcome.tie, "both_bad": Outcome.both_bad}


def parted(
    found: Sequence[dict[str, Any]], ids: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The results that are labels, and the one text beside a lone one, which is its reason."""
    judged = [item for item in found if is_label(item, ids)]
    texts = [item for item in found if item.get("type") == "textarea"]
    return judged, texts[0] if len(judged) == len(texts) == 1 else None


def is_label(item: dict[str, Any], ids: Sequence[str]) -> bool:
    """Not a rating that is missing, nor a choice of anything but an answer or a tie."""
    value = item.get("value")
    if item.get("type") == "rating" and isinstance(value, dict):
        return rating(value.get("rating"), "value.rating") is not None
    if item.get("type") == "choices" and isinstance(value, dict):
        chosen = value.get("choices")
        known = (*ids, *SELECTED, *OUTCOMES)
        return isinstance(chosen, list) and len(chosen) == 1 and chosen[0] in known
    return item.get("type") in READERS


def results_of(
    each: dict[str, Any], who: Annotator | None, ids: Sequence[str], field: str
) -> Iterator[Label]:
    """The labels of an annotation. A lone one takes the text beside it as its rationale."""
    judged, beside = parted(items(each, "result"), ids)
    why = None if beside is None else rationale(beside, field)
    for index, item in enumerate(judged):
        at, value = f"{field}.result[{index}]", item.get("value")
        if not isinstance(value, dict):
            raise RowError("wrong_type", f"{at}.value must be an object", f"{at}.value")
        name = item.get("from_name")
        aspect = None if name is None or name in GENERIC else text(name, f"{at}.from_name")
        by = {"annotator": who, "aspect": aspect, "rationale": why}
        label = READERS[item["type"]](value, targets(item, ids, at), by, at)
        yield with_meta(label, item.get("meta"))


def rationale(item: dict[str, Any], field: str) -> str:
    value = item.get("value")
    given = value.get("text") if isinstance(value, dict) else None
    lines = given if isinstance(given, list) else [given]
    return "\n".join(text(line, f"{field}.text") for line in lines)


def targets(item: dict[str, Any], ids: Sequence[str], field: str) -> list[str]:
    """The responses that a result is about: those it names, else all of them."""
    named = item.get("to_name") or ""
    names = text(named, f"{field}.to_name").split(",")
    about = [name.strip() for name in names if name.strip() in ids]
    return about or list(ids)


def two(about: Sequence[str], field: str) -> tuple[str, str]:
    if len(about) != 2 or about[0] == about[1]:
        detail = f"{field} must name the two answers that it is about"
        raise RowError("unknown_response", detail, f"{field}.to_name")
    return about[0], about[1]


def pairwise(value: dict[str, Any], about: Sequence[str], by: Any, field: str) -> Label:
    """The first of the two was shown on the left."""
    a, b = two(about, field)
    selected = value.get("selected")
    if selected not in list(SELECTED):
        raise RowError("wrong_type", f"{field} selects {selected!r}"[:200], f"{field}.value")
    return Comparison(**by, a=a, b=b, outcome=SELECTED[selected], shown="ab")


def choices(value: dict[str, Any], about: Sequence[str], by: Any, field: str) -> Label:
    a, b = two(about, field)
    chosen = value.get("choices")
    [choice] = chosen if isinstance(chosen, list) and len(chosen) == 1 else [None]
    known = {a: Outcome.a, "left": Outcome.a, b: Outcome.b, "right": Outcome.b, **OUTCOMES}
    if not isinstance(choice, str) or choice not in known:
        raise RowError("wrong_type", f"{field} chooses {choice!r}"[:200], f"{field}.value")
    return Comparison(**by, a=a, b=b, outcome=known[choice])


def ranked(value: dict[str, Any], about: Sequence[str], by: Any, field: str) -> Label:
    """A list of ids, or buckets that are numbered, the first the best."""
    buckets = value.get("ranker")
    found = {"1": buckets} if isinstance(buckets, list) else buckets
    found = others(found, "_") if isinstance(found, dict) else None
    if not found or not all(isinstance(tier, list) for tier in found.values()):
        raise RowError("wrong_type", f"{field} ranks no lists of ids", f"{field}.value")
    if len(found) == 1:
        tiers = [[str(id)] for id in next(iter(found.values()))]
    elif all(name.isdecimal() for name in found):
        tiers = [[str(id) for id in found[name]] for name in sorted(found, key=int)]
    else:
        raise RowError("wrong_type", f"{field} has buckets without numbers", f"{field}.value")
    flat = [id for tier in tiers for id in tier]
    if len(set(flat)) < len(flat) or not {*flat} <= {*about}:
        raise RowError("unknown_response", f"{field} ranks unknown ids, or twice", f"{field}.value")
    return Ranking(**by, tiers=[tier for tier in tiers if tier])


def rated(value: dict[str, Any], about: Sequence[str], by: Any, field: str) -> Label:
    if len(about) != 1:
        raise RowError("unknown_response", f"{field} rates no one answer", f"{field}.to_name")
    stars = rating(value.get("rating"), f"{field}.value.rating")
    return Rating(**by, value=stars or 0.0, response=about[0])


def meta_of(label: Label, kind: str) -> dict[str, Any]:
    """What the control tags have no place for, in the `meta` that a result may have."""
    if isinstance(label, Rating):
        return {} if label.scale is None else {"scale": list(label.scale)}
    if not isinstance(label, Comparison):
        return {}
    shown = {"shown": label.shown} if kind == "choices" and label.shown is not None else {}
    return shown if label.strength is None else {**shown, "strength": label.strength}


def with_meta(label: Label, meta: Any) -> Label:
    """Somebody else's `meta` says nothing here."""
    said = meta if isinstance(meta, dict) else {}
    if isinstance(label, Rating):
        ends = said.get("scale")
        if isinstance(ends, list) and len(ends) == 2 and all(map(is_number, ends)):
            return replace(label, scale=(float(ends[0]), float(ends[1])))
        return label
    if isinstance(label, Comparison):
        if said.get("shown") in ("ab", "ba"):
            label = replace(label, shown=said["shown"])
        if is_number(said.get("strength")):
            label = replace(label, strength=float(said["strength"]))
    return label


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


READERS = {"pairwise": pairwise, "choices": choices, "ranker": ranked, "rating": rated}


def result_of(label: Label, names: dict[str, str]) -> tuple[str, list[str], dict[str, Any]]:
    if isinstance(label, Comparison):
        a, b = names[label.a], names[label.b]
        if label.shown is None or label.outcome not in (Outcome.a, Outcome.b):
            chosen = {Outcome.a: a, Outcome.b: b}.get(label.outcome, label.outcome.value)
            return "choices", [a, b], {"choices": [chosen]}
        left = a if label.shown == "ab" else b
        better = {Outcome.a: a, Outcome.b: b}[label.outcome]
        about = [left, b if left == a else a]
        return "pairwise", about, {"selected": "left" if better == left else "right"}
    if isinstance(label, Rating) and label.response is not None:
        return "rating", [names[label.response]], {"rating": label.value}
    if isinstance(label, Ranking):
        tiers = {
            str(place): [names[id] for id in tier] for place, tier in enumerate(label.tiers, 1)
        }
        single = all(len(tier) == 1 for tier in label.tiers)
        order = {"rank": [id for tier in tiers.values() for id in tier]}
        return "ranker", ["items"], {"ranker": order if single else tiers}
    raise RowError("not_expressible", "a rating is about no response")
