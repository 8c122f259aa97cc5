"""What an export says of itself: from what it was made, how, and the hash of every file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from service.errors import UnsupportedFile
from service.export.shards import FileFacts
from service.report.report import Report

NAME = "manifest.json"
FORMAT = 1
EXAMPLES = {"top", "suspects"}  # texts: in report.html only

MEANINGS = {
    "prompt": "messages before the answer",
    "chosen": "the preferred answer, as messages",
    "rejected": "the other answer, as messages",
    "pair_id": "hash of file, line and the two texts",
    "prompt_id": "hash of the prompt's messages",
    "source": "first 16 digits of the file's sha256, and the line",
    "license": "as given with the dataset",
    "recipe_id": "the recipe that selected the pair",
    "recipe_sha": "sha256 of the whole recipe",
    "weight": "weight of the pair in training",
    "margin": "how far apart the labels put the two: rating points, ranks, strength",
    "soft_label": "P(chosen is better) by the votes, a tie as half a vote for each",
    "flipped": "1 where chosen and rejected have changed places; scores are of the raw label",
    "curriculum_stage": "from 1, the easiest pair of the prompt first",
    "chosen_image": "the preferred answer's image, a URI; null where it is a text",
    "rejected_image": "the other answer's image, a URI; null where it is a text",
    "evidence": "JSON: the conversation, the turns and the words of the user that decide the pair",
}


class Provenance(NamedTuple):
    """From which files, by which recipe. Nothing random, of a machine, or of a moment."""

    uploads: tuple[Mapping[str, Any], ...]
    recipe: Mapping[str, Any]
    signals: tuple[Mapping[str, Any], ...]
    license: str | None
    test_fraction: float
    versions: Mapping[str, str]
    pair_builds: tuple[Mapping[str, Any], ...] = ()  # policies that built kept pairs
    split: Mapping[str, Any] = {}  # what is kept together, and which prompts go where
    replay: Mapping[str, Any] = {}  # what else was asked for: pair builds, evaluation
    labels: Callable[[], Mapping[str, Any]] | None = None  # asked when all rows are written


def build(
    report: Report, provenance: Provenance, columns: list[str], files: Mapping[str, FileFacts]
) -> dict[str, Any]:
    labels = {} if provenance.labels is None else {"labels": dict(provenance.labels())}
    meanings = {**MEANINGS, **meanings_of(provenance.recipe)}
    return {
        "format": FORMAT,
        "layout": "huggingface",
        "license": provenance.license,
        "versions": dict(provenance.versions),
        "uploads": [dict(upload) for upload in provenance.uploads],
        "recipe": dict(provenance.recipe),
        "recipe_sha256": report.recipe.sha256,
        "budget": report.budget,
        "seed": report.seed,
        "test_fraction": provenance.test_fraction,
        "pair_builds": [dict(build) for build in provenance.pair_builds],
        "split": dict(provenance.split),
        "replay": dict(provenance.replay),
        **labels,
        "signals": [dict(signal) for signal in provenance.signals],
        "columns": [{"name": name, "meaning": meanings.get(name, "score")} for name in columns],
        "report": report.model_dump(mode="json", exclude={*EXAMPLES, "labels"}),
        "files": {path: dict(files[path]) for path in sorted(files)},
    }


def meanings_of(recipe: Mapping[str, Any]) -> dict[str, str]:
    """What the columns mean that a recipe gives, and those of the labels that gave way to them."""
    found: dict[str, str] = {}
    for name, term in recipe.get("outputs", {}).items():
        found[name] = f"{term} of the recipe: {recipe['terms'][term]}"
        found[f"label_{name}"] = MEANINGS.get(name, "as the labels say it")
    return found


def dump(manifest: Mapping[str, Any]) -> bytes:
    return orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def load(folder: Path) -> dict[str, Any]:
    """Read an export's manifest. Raises UnsupportedFile where the folder is no export."""
    try:
        manifest = orjson.loads((folder / NAME).read_bytes())
    except FileNotFoundError:
        said = f"{folder} holds no prefsift export: it has no {NAME}"
        raise UnsupportedFile(f"{said}; name what `curate` or `export` wrote") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise UnsupportedFile(f"{folder} holds no prefsift export: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UnsupportedFile(f"{folder / NAME} is no prefsift manifest of format {FORMAT}")
    return manifest
