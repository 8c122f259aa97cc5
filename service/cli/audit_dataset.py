"""`prefsift audit --dataset`: what was uploaded is audited as a job; a review begins with one."""

from pathlib import Path
from typing import Any

import orjson
import typer

from service.cli.connection import connect
from service.cli.remote import dataset_named, follow

FILES = ("report.json", "report.html", "pairs.parquet")


def audited(dataset: str, out: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """The report, once its files lie in `out`. Raises ApiError."""
    api = connect()
    made = api.post(f"/datasets/{dataset_named(api, dataset)}/audits", asked)
    follow(api, made["job"])
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (out / name).unlink(missing_ok=True)
        api.download(f"/audits/{made['audit']['id']}/{name}", out / name)
    return orjson.loads((out / FILES[0]).read_bytes())


def asked(anchors: str) -> str | int | list[dict[str, str]]:
    """What a request says for `--anchors`. Raises BadParameter."""
    if anchors == "all":
        return anchors
    if anchors.isdecimal():
        return int(anchors)
    try:
        return [orjson.loads(line) for line in Path(anchors).read_bytes().splitlines() if line]
    except (OSError, orjson.JSONDecodeError) as error:
        raise typer.BadParameter(
            f"all, a number, or a file: {error}", param_hint="--anchors"
        ) from error
