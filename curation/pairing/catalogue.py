"""The pair policies that come with prefsift, and policies from a user's file."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import TypeAdapter, ValidationError

from curation import pairing
from curation.misfits import nearest
from curation.pairing.policy import PairPolicy
from curation.places import located
from curation.plugins import by_kind, discover, union

discover(pairing.__name__, pairing.__path__)

KINDS = by_kind(PairPolicy)

if TYPE_CHECKING:
    AnyPolicy = PairPolicy
else:
    AnyPolicy = union(KINDS.values())

POLICY: TypeAdapter[PairPolicy] = TypeAdapter(AnyPolicy)


def parse(text: str, where: str) -> PairPolicy:
    """ValueError, with line and field, where the YAML or JSON is not a policy."""
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where} is not a pair policy: expected a mapping")
    try:
        return POLICY.validate_python(found)
    except ValidationError as error:
        raise ValueError(located(text, where, error)) from error


def shipped() -> Iterator[PairPolicy]:
    text = files("curation.pairing").joinpath("policies.yaml").read_text(encoding="utf-8")
    for found in yaml.safe_load(text):
        yield POLICY.validate_python(found)


POLICIES: Mapping[str, PairPolicy] = {policy.name(): policy for policy in shipped()}


def load(name_or_path: str) -> PairPolicy:
    """A shipped policy by id, or one from a YAML or JSON file. ValueError: neither."""
    if name_or_path in POLICIES:
        return POLICIES[name_or_path]
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml", ".json"):
        if not path.is_file():
            raise ValueError(f"there is no policy file {name_or_path}")
        return parse(path.read_text(encoding="utf-8"), name_or_path)
    there = nearest(name_or_path, [*POLICIES])
    raise ValueError(f"there is no pair policy {name_or_path!r}; {there}; or give a .yaml file")
