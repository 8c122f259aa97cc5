"""`datasets`, `uploads`, `jobs`, `exports`, `views`: what there is, for people or as JSON."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.connection import connect
from service.cli.remote import DatasetName, dataset_named, follow, show
from service.cli.screen import many, put, say
from service.cli.screen import tell as facts

WIDE = 160  # columns of letters: an id is of use only whole, also in a narrow window
FREE = ("name", "filename", "where", "orderby")  # texts of people, which may be long
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of a table.")]


def datasets(as_json: Json = False) -> None:
    """List the datasets."""
    columns = {"name": "name", "license": "license", "made": "created_at", "id": "id"}
    tell([*connect().pages("/datasets")], columns, as_json=as_json, none="no dataset yet")


def jobs(
    job_id: Annotated[str | None, typer.Argument(help="One job; all if left out.")] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop it for good.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Jobs to show; --json has all.")] = 20,
    as_json: Json = False,
) -> None:
    """List the jobs, the newest first; or look at one, wait for it, cancel it.

    Example: prefsift jobs 6f1c… --wait
    """
    api = connect()
    if job_id is None:
        columns = {
            "kind": "kind", "state": "state", "rows": "rows_done", "of": "rows_total",
            "made": "created_at", "id": "id",
        }  # fmt: skip
        if wait or cancel:
            raise typer.BadParameter(
                "name the job; `prefsift jobs` lists them", param_hint="JOB_ID"
            )
        found = [*(api.pages("/jobs") if as_json else islice(api.pages("/jobs"), limit))]
        tell(found, columns, as_json=as_json, none="no job yet")
        return
    if cancel:
        job = api.post(f"/jobs/{job_id}/cancel")
    else:
        job = api.get(f"/jobs/{job_id}")
        job = follow(api, job) if wait else job
    show(job) if as_json else tell_job(job)


def tell_job(job: Mapping[str, Any]) -> None:
    """How far it is; of one that failed, why."""
    say(f"{job['kind']}: {job['state']}", "bold")
    named = job["stages"][job["stage"] : job["stage"] + 1]
    result = {name: value for name, value in (job["result"] or {}).items() if plain(value)}
    facts({
        "job": job["id"],
        "dataset": job["dataset_id"] or "",
        "stage": (named and f"{named[0]} ({job['stage'] + 1} of {len(job['stages'])})") or "",
        "rows": f"{job['rows_done']:,} of {job['rows_total']:,}",
        "made": cell("created_at", job["created_at"]),
        "result": [f"{name.replace('_', ' ')} {value}" for name, value in result.items()],
        "error": str((job["error"] or {}).get("detail", "")),
    })  # fmt: skip


def plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def uploads(dataset: DatasetName, as_json: Json = False) -> None:
    """List the uploads of a dataset, the first one first.

    Example: prefsift uploads mine
    """
    api = connect()
    found = [*api.pages(f"/datasets/{dataset_named(api, dataset)}/uploads")]
    columns = {
        "file": "filename", "state": "state", "lines": "rows_in", "taken": "accepted",
        "pairs": "pairs", "id": "id",
    }  # fmt: skip
    tell(found, columns, as_json=as_json, none="no upload yet")


def exports(dataset: DatasetName, as_json: Json = False) -> None:
    """List the exports of a dataset and of its subsets, the newest first.

    Example: prefsift exports mine
    """
    api = connect()
    found = [*api.pages(f"/datasets/{dataset_named(api, dataset)}/exports")]
    if as_json or not found:
        tell(found, {}, as_json=as_json, none="no export yet")
        return
    for each in found:
        say(each["id"], "bold")
        rows = "" if each["rows"] is None else f", {many(each['rows'], 'row')}"
        labels = each["options"].get("labels", "raw")
        said = [f"{each['layout']}, {labels} labels, {each['state']}{rows}", each["subset_id"]]
        facts({cell("created_at", each["created_at"]): said[:1], "of subset": said[1]})


def views(dataset: DatasetName, as_json: Json = False) -> None:
    """List the saved views of a dataset: filters and orders under a name.

    Example: prefsift views mine
    """
    api = connect()
    found = [*api.pages(f"/datasets/{dataset_named(api, dataset)}/views")]
    columns = {"name": "name", "where": "where", "order": "orderby", "made": "created_at"}
    tell(found, columns, as_json=as_json, none="no view yet")


def tell(
    found: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, none: str
) -> None:
    """`columns`: heading -> field."""
    if as_json:
        show(found)
        return
    if not found:
        typer.echo(none)
        return
    table = Table(box=None, pad_edge=False)
    for heading, field in columns.items():
        table.add_column(heading, overflow="fold", no_wrap=field not in FREE)
    for each in found:
        table.add_row(*(Text(cell(field, each[field])) for field in columns.values()))
    put(table, max(Console().width, WIDE))


def cell(field: str, value: Any) -> str:
    """Times to the minute; nothing as a dash."""
    if value is None:
        return "-"
    if field == "created_at":
        return str(value)[:16].replace("T", " ")
    return f"{value:,}" if isinstance(value, int) else str(value)
