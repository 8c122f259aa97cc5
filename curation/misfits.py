"""Says in plain words what does not fit a field, where pydantic speaks of its own parts."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

LONGEST = 80  # characters of a value that is repeated
FORMS = {
    r"^[a-z][a-z0-9_]{0,62}$": "lower-case letters, digits and _, a letter first, at most 63",
    r"^[\w .:/+-]{1,60}$": "1 to 60 letters, digits, spaces and any of _ . : / + -",
}


def in_words(found: Mapping[str, Any]) -> str:
    """Of one of `ValidationError.errors()`."""
    kind, given = str(found["type"]), found.get("input")
    context: Mapping[str, Any] = found.get("ctx") or {}
    if kind in ("uuid_parsing", "uuid_type"):
        return f"{shown(given)} is no id"
    if kind == "union_tag_invalid":
        known = [each.strip(" '") for each in str(context["expected_tags"]).split(",")]
        return f"there is no kind {context['tag']!r}; {nearest(str(context['tag']), known)}"
    if kind == "union_tag_not_found":
        return "it names no kind: every signal, selector and pair policy has one"
    if kind in ("literal_error", "enum"):
        return f"{shown(given)} is none of {str(context['expected']).replace(' or ', ', ')}"
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind == "missing":
        return "is missing"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return f"{shown(given)} is not of the form: {FORMS.get(pattern, pattern)}"
    said = str(found["msg"]).removeprefix("Value error, ")
    return said.replace("Input should be", f"{shown(given)} is wrong: it should be", 1)


def nearest(given: str, known: list[str]) -> str:
    """What was probably meant, and else everything that there is."""
    near = get_close_matches(given, known, 3)
    return f"near: {', '.join(near)}" if near else f"known: {', '.join(known)}"


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
