"""Datasets of a Hugging Face hub: which files to take, and where they are. They are only data."""

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Any, NamedTuple

from httpx2 import HTTPError
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
)

from service.config import settings
from service.errors import Invalid, Unavailable

# What is taken without being named by the dataset's card.
DATA = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson")
NAMED = (*DATA, ".json", ".json.gz", ".csv", ".csv.gz", ".tsv")
MAX_FILES = 1000
SECONDS = 30


class HubFile(NamedTuple):
    path: str
    size: int | None
    url: str


def list_files(
    repo_id: str, config: str | None, split: str | None, revision: str | None
) -> list[HubFile]:
    """The data files of a configuration and a split at one commit.

    Raises Invalid where there are none, Unavailable where the hub does not answer.
    """
    api = HfApi(endpoint=settings.hf_endpoint, token=settings.hf_token or False)
    try:
        found = api.dataset_info(repo_id, revision=revision, files_metadata=True, timeout=SECONDS)
    except (HfHubHTTPError, HFValidationError) as error:
        said = str(error).strip().splitlines() or ["refused"]
        raise Invalid(f"the hub does not give {repo_id}: {said[-1]}", code="hub_refused") from None
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        detail = f"the hub at {settings.hf_endpoint} does not answer: {error}"
        raise Unavailable(detail, code="hub_unreachable") from None
    sizes = {each.rfilename: each.size for each in found.siblings or ()}
    card: Any = found.card_data.to_dict() if found.card_data else {}
    paths = chosen([*sizes], card.get("configs") or [], config, split)
    return [
        HubFile(path, sizes[path], file_url(repo_id, path, found.sha or "main")) for path in paths
    ]


def file_url(repo_id: str, path: str, commit: str) -> str:
    endpoint = settings.hf_endpoint
    return hf_hub_url(repo_id, path, repo_type="dataset", revision=commit, endpoint=endpoint)


def chosen(
    paths: Sequence[str], configs: Sequence[dict[str, Any]], config: str | None, split: str | None
) -> list[str]:
    """The paths of a configuration and a split, by the card, else by the names. Raises Invalid."""
    by_card = {each["config_name"]: patterns_of(each) for each in configs if "config_name" in each}
    usual = [each["config_name"] for each in configs if each.get("default")]
    name = config or (usual or ["default" if "default" in by_card else None])[0]
    name = name or (next(iter(by_card)) if len(by_card) == 1 else None)
    if name in by_card:
        wanted = [one for key, each in by_card[name] if split in (None, key) for one in each]
        found = [p for p in paths if p.endswith(NAMED) and any(fnmatch(p, one) for one in wanted)]
    elif by_card:
        raise Invalid(f"name a config: {', '.join(by_card)}", code="unknown_config")
    else:
        inside = [p for p in paths if p.endswith(DATA) and (not config or config in p.split("/"))]
        found = [path for path in inside if split is None or has_split(path, split)]
    if not found:
        asked = [f"{key} {value}" for key, value in (("config", config), ("split", split)) if value]
        detail = f"no Parquet or JSONL files{' of ' + ', '.join(asked) if asked else ''} are there"
        raise Invalid(detail, code="no_data_files")
    if len(found) > MAX_FILES:
        raise Invalid(f"{len(found)} files are more than {MAX_FILES}", code="too_many_files")
    return sorted(found)


def patterns_of(config: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """(split, patterns) of a card's configuration; patterns of no named split are of `train`."""
    given = config.get("data_files") or ["*"]
    found: list[tuple[str, list[str]]] = []
    for each in [given] if isinstance(given, str | dict) else given:
        if isinstance(each, str):
            found.append(("train", [each]))
        elif "path" in each:
            path = each["path"]
            found.append(
                (each.get("split", "train"), [path] if isinstance(path, str) else list(path))
            )
        else:
            found += [
                (key, [one] if isinstance(one, str) else list(one)) for key, one in each.items()
            ]
    return found


def has_split(path: str, split: str) -> bool:
    """`data/train-00000-of-00002.parquet`, `train/0.jsonl` and `train.jsonl.gz` are of `train`."""
    return re.search(rf"(?:^|[/_.-]){re.escape(split)}(?:[/.-]|_\d)", path) is not None
