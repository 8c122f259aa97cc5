"""What the API calls a field, as the option or argument that a user typed."""

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 5
# Where the option is not called as the field is.
OPTIONS = {
    "signals": "--signal",
    "tags": "--tag",
    "options": "--option",
    "fields": "--fields",
    "mapping": "--map",
    "name": "--dataset",
    "upload_id": "--upload",
    "repo_id": "SOURCE",
    "url": "SOURCE",
}


LISTS = {
    "subset": "prefsift subsets DATASET",
    "against": "prefsift subsets DATASET",
    "union": "prefsift subsets DATASET",
    "minus": "prefsift subsets DATASET",
    "intersect": "prefsift subsets DATASET",
    "upload": "prefsift uploads DATASET",
    "export": "prefsift exports DATASET",
    "build": "prefsift pairs list DATASET",
    "job": "prefsift jobs",
}


def of_options(errors: Sequence[Mapping[str, Any]]) -> str:
    """The errors of a problem `invalid_request` in one sentence."""
    return "; ".join(map(of_option, errors[:SHOWN]))


def of_option(error: Mapping[str, Any]) -> str:
    said = f"{option(error['field'])}: {error['message']}" if error["field"] != "body" else ""
    if not str(error["message"]).endswith(" is no id"):
        return said or str(error["message"])
    name = str(error["field"]).split(".")[1:2]
    return "; ".join([said, *lists(name[0].removesuffix("_id") if name else "")])


def listed(detail: str) -> list[str]:
    """Where the ids of such things are found, if it says that there is none."""
    first, _, rest = detail.partition(" ")
    return lists(rest.partition(" ")[0]) if first == "no" else []


def lists(name: str) -> list[str]:
    return [f"`{LISTS[name]}` lists them"] if name in LISTS else []


def option(field: str) -> str:
    """`body.splits` is --splits, `path.subset_id` SUBSET; of a value within, where it stands.

    What stands in a list is told by the value, which the message repeats.
    """
    place, _, rest = field.partition(".")
    if place not in ("body", "query", "path", "header"):
        rest = field
    if not rest:
        return "what was asked"
    name, *within = rest.split(".")
    if place == "path":
        return name.removesuffix("_id").upper()
    named = OPTIONS.get(name, f"--{name.replace('_', '-')}")
    inner = ".".join(each for each in within if not each.isdigit())
    return f"{named} {inner}" if inner else named
