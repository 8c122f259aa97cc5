"""`export`, and what the commands share: the steps, one by one.

Each follows the job that it started; with --json it prints what the API answered.
"""

import shlex
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console

from service.cli import destination
from service.cli.client import Api, ApiError, Job
from service.cli.connection import connect
from service.cli.pipeline import fetch
from service.cli.progress import Bars
from service.cli.screen import Json, advise, many, tell, whole

DatasetName = Annotated[str, typer.Argument(help="Name or id of a dataset.")]
SubsetId = Annotated[str, typer.Argument(help="Id of a subset, from `prefsift select`.")]


INTERRUPTED = 130
MOST_NEAR = 5  # datasets that are named where one is not there


def show(value: Any) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def note(line: str) -> None:
    """To people, beside the JSON on stdout."""
    typer.secho(line, fg="yellow", err=True)


def follow(api: Api, job: Job, *, ours: bool = False) -> Job:
    """The job once it has ended well. `ours`: an interruption here cancels it; else it goes on."""
    try:
        with Bars(Console(stderr=True)) as bars:
            return api.follow(job, bars.job())
    except KeyboardInterrupt:
        if ours:
            api.cancel(job)
            note(f"stopped the {job['kind']} job; what was scored is kept for the next run")
        else:
            note(f"the {job['kind']} job goes on: `prefsift jobs {job['id']} --cancel` stops it")
        raise typer.Exit(INTERRUPTED) from None


def dataset_named(api: Api, name: str) -> str:
    """The id of a dataset that is given by name or by id. Raises ApiError, with names near it."""
    for found in api.pages("/datasets", name=name):
        return found["id"]
    with suppress(ValueError):
        return api.get(f"/datasets/{uuid.UUID(name)}")["id"]
    names = [found["name"] for found in api.pages("/datasets")]
    near = get_close_matches(name, names, MOST_NEAR) or names[:MOST_NEAR]
    there = f"there are {', '.join(near)}" if near else "there is none yet"
    hint = f"{there}; see `prefsift datasets`"
    raise ApiError(f"no dataset is named {name!r}: {hint}", code="not_found", exit_code=2)


def exporter(api: Api, source: str, where: str | None) -> str:
    """The path of the subset, or else of the dataset, that is called so."""
    with suppress(ValueError, ApiError):
        if api.get(f"/subsets/{uuid.UUID(source)}"):
            if where is not None:
                raise typer.BadParameter(
                    "is for a whole dataset, not a subset", param_hint="--where"
                )
            return f"/subsets/{source}"
    return f"/datasets/{dataset_named(api, source)}"


def export(
    source: Annotated[str, typer.Argument(help="Id of a subset, or name or id of a dataset.")],
    out: Annotated[Path, typer.Option(help="Missing or empty, or an earlier export.")],
    layout: Annotated[
        str | None,
        typer.Option(
            help="huggingface, a trainer's (trl_preference, …), or of records; the recipe's own."
        ),
    ] = None,
    where: Annotated[str | None, typer.Option(help="A filter over the pairs of a dataset.")] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out, and name, what the layout can't say.")
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="name=value of the layout; repeatable.")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Folder or cached model, to count tokens.")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens a row may have.")] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Repeat and swap rows by weight and soft label.")
    ] = False,
    test_fraction: Annotated[
        float | None, typer.Option(min=0, max=0.5, help="Share that is held out; else 0.05.")
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option(
            help="Any of prompt,conversation,near_duplicate (these if left out),annotator."
        ),
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Another seed is another split.")] = 0,
    labels: Annotated[
        str, typer.Option(help="raw, consensus, or denoised: see docs/review.md.")
    ] = "raw",
    labels_version: Annotated[
        int | None, typer.Option(min=0, help="Of the verdicts; the newest if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a subset or a whole dataset as a folder for `datasets.load_dataset` or a trainer.

    Example: prefsift export SUBSET --out curated --layout llamafactory

    Example: prefsift export mine --out clear --layout native --where "votes >= 3"
    """
    body: dict[str, Any] = {
        **({} if layout is None else {"layout": layout}),
        "options": options_of(option or ()),
        "tokenizer": tokenizer,
        "max_length": max_length,
        "resample": resample,
        "leave_out": leave_out,
        "split_seed": split_seed,
        "labels": labels,
        "labels_version": labels_version,
    }
    if test_fraction is not None:
        body["test_fraction"] = test_fraction
    if split_by is not None:
        body["split_by"] = [each.strip() for each in split_by.split(",")]
    folder = destination.check(out)
    api = connect()
    if where is not None:
        body["where"] = where
    made = api.post(f"{exporter(api, source, where)}/exports", body)
    with destination.staged(folder) as fresh:
        follow(api, made["job"], ours=True)
        found = api.get(f"/exports/{made['export']['id']}")
        for _ in fetch(api, found, fresh):
            pass
        for line in warnings(found, fresh):
            note(line)
    show(found) if as_json else tell_export(found, out)


def tell_export(found: Mapping[str, Any], out: Path) -> None:
    """Where it lies, how many rows each file of data has, and what may come next."""
    whole(f"{many(found['rows'], 'row')} written to {out}", "bold")
    rows = {name: facts["rows"] for name, facts in found["files"].items() if facts["rows"]}
    data = [f"{name} ({many(count, 'row')})" for name, count in rows.items()]
    others = ", ".join(name for name in found["files"] if name not in rows)
    tell({"layout": found["layout"], "data": data, "beside": others, "export": found["id"]})
    advise(f"prefsift verify {shlex.quote(str(out))}")


def options_of(given: Sequence[str]) -> dict[str, Any]:
    """name=value, the value as YAML reads it: true, 3, [a, b]."""
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            detail = f"{each!r} is no name=value; a switch is {name or 'name'}=true"
            raise typer.BadParameter(detail, param_hint="--option")
        found[name] = yaml.safe_load(value)
    return found


def warnings(found: dict[str, Any], folder: Path) -> Iterator[str]:
    """What a user should know of an export that was written."""
    if not found["rows"]:
        yield "nothing was kept: the export has no rows"
    report = folder / "preflight.json"
    findings = orjson.loads(report.read_bytes())["findings"] if report.exists() else []
    for each in findings:
        yield f"{many(each['count'], 'row')}: {each['message']} (preflight.json)"
