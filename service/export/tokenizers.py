"""Finds the tokenizer that a user names: in allowed folders or the hub's cache only."""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import try_to_load_from_cache

from service.config import settings
from service.errors import Invalid

if TYPE_CHECKING:
    from curation.models.tokenizer import ChatTokenizer

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
TOKENIZER = "tokenizer.json"
LONGEST_NAME = 1000
PARTS = (
    "added_tokens.json", "chat_template.jinja", "chat_template.json", "merges.txt",
    "special_tokens_map.json", TOKENIZER, "tokenizer_config.json", "vocab.json",
)  # fmt: skip


class ModelNotAllowed(Invalid):
    code = "model_not_allowed"


def find(name: str, folders: Sequence[Path] = ()) -> Path:
    """The folder with the tokenizer's files, by path or hub id; no network is asked.

    ModelNotAllowed where it is neither in `folders` (default: the settings' `models`) nor in the
    hub's cache.
    """
    if "\0" in name or len(name) > LONGEST_NAME:
        raise ModelNotAllowed("a tokenizer is named by a path or a hub id", field="tokenizer")
    allowed = [folder.resolve() for folder in folders or settings.models]
    places = [Path(name)] if Path(name).is_absolute() else [folder / name for folder in allowed]
    for place in places:
        found = place.resolve()
        inside = any(found.is_relative_to(folder) for folder in allowed)
        if inside and os.path.isfile(found / TOKENIZER):
            return found
    if HUB_ID.fullmatch(name):
        cached = try_to_load_from_cache(name, TOKENIZER)
        if isinstance(cached, str):
            return Path(cached).parent
    raise ModelNotAllowed(
        f"there is no tokenizer {name!r} in the folders of models or the hub's cache"[:300],
        field="tokenizer",
    )


def digest(name: str, folders: Sequence[Path] = ()) -> str:
    """Sha256 of what a tokenizer is made of: another one of the same name counts other tokens.

    Raises ModelNotAllowed as `find` does.
    """
    found, whole = find(name, folders), hashlib.sha256()
    for part in PARTS:
        if (found / part).is_file():
            content = (found / part).read_bytes()
            whole.update(f"{part} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def load_tokenizer(name: str, folders: Sequence[Path] = ()) -> "ChatTokenizer":
    """Loads transformers: for workers. Raises ModelNotAllowed, also where files name code."""
    from curation.models.tokenizer import TokenizerRefused, load

    try:
        return load(find(name, folders))
    except TokenizerRefused as error:
        raise ModelNotAllowed(str(error), field="tokenizer") from None
