"""The dataset card: YAML front matter for the hub, and a body made of measured numbers."""

from collections.abc import Mapping
from typing import Any

import jinja2
import yaml

from service.export.shards import COLUMNS, IMAGES
from service.report import words
from service.report.report import Report

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
MESSAGE_FIELDS = ("role", "content")

templates = jinja2.Environment(
    loader=jinja2.PackageLoader("service.export", "."),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # Markdown: nothing of the data's texts is put into it
    keep_trailing_newline=True,
)


def size_category(rows: int) -> str:
    return next((name for limit, name in SIZES if rows < limit), "n>1M")


def feature(column: str, scores: list[str]) -> dict[str, Any]:
    if column in ("prompt", "chosen", "rejected"):
        # New dicts each time: YAML writes shared ones as aliases, which `datasets` can't read.
        return {"name": column, "list": [{"name": n, "dtype": "string"} for n in MESSAGE_FIELDS]}
    number = column == "weight" or (column in scores and column not in IMAGES)
    dtype = "float64" if number else "string"
    return {"name": column, "dtype": dtype}


def front_matter(report: Report, license: str | None, scores: list[str]) -> dict[str, Any]:
    splits = [
        {"name": split.name, "num_bytes": split.bytes, "num_examples": split.rows}
        for split in report.splits
    ]
    paths = [
        {"split": split.name, "path": f"data/{split.name}-*.parquet"} for split in report.splits
    ]
    return {
        "license": license or "unknown",
        "language": ["und"],  # not measured: ISO 639-2 for undetermined
        "pretty_name": title(report),
        "size_categories": [size_category(report.counts.kept)],
        "task_categories": ["text-generation"],
        "tags": ["preference", "trl", "dpo", "reward-model", "prefsift"],
        "dataset_info": {
            "features": [feature(name, scores) for name in [*COLUMNS, *scores]],
            "splits": splits,
            "dataset_size": sum(split.bytes for split in report.splits),
        },
        "configs": [{"config_name": "default", "data_files": paths}],
    }


def title(report: Report) -> str:
    return f"Preference pairs selected by the recipe {report.recipe.id}"


def render(
    report: Report,
    license: str | None,
    scores: list[str],
    uploads: Any,
    split: Mapping[str, Any] | None = None,
) -> str:
    """README.md; the same report gives the same text."""
    matter = front_matter(report, license, scores)
    return templates.get_template("card.md").render(
        front=yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000),
        title=title(report),
        report=report,
        uploads=uploads,
        split=split or {},
        verdict=words.verdict(report.evaluation),
        heads=words.heads(report.evaluation),
        words=words,
    )


def parse_front_matter(card: str) -> Mapping[str, Any]:
    """The YAML between the first two `---` lines; {} where there is none."""
    parts = card.split("---\n", 2)
    found = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    return found if isinstance(found, dict) else {}
