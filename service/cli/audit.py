"""`prefsift audit`: what the labels of some files are worth, without a server."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from service.cli.audit_dataset import asked, audited
from service.cli.mapping import Columns, in_words, mapping_of


def audit(
    out: Annotated[Path, typer.Option(help="Folder for the report and the table of pairs.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of any layout that an upload takes.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Audit what was uploaded, for a review; takes no files.")
    ] = None,
    anchors: Annotated[
        str, typer.Option(help="Verified answers to use: all, a number of random ones, or a file.")
    ] = "all",
    layout: Annotated[
        str | None, typer.Option("--layout", "--format", help="Layout of the files.")
    ] = None,
    column: Columns = None,
    embed: Annotated[
        bool, typer.Option("--embed/--no-embed", help="Judge texts by embeddings, too: slower.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Say how many labels are likely wrong, whom to believe, and which pairs to look at first.

    Writes report.html, report.json and pairs.parquet to OUT. No label is changed. Where the data
    can't tell how many labels are wrong, the report says so and why. An anchors file has lines of
    {"record_id": …, "better": …, "worse": …}.

    Example: prefsift audit hh.jsonl.gz --out audit/

    Example: prefsift audit --dataset mine --out audit/ && prefsift review mine
    """
    console = Console(stderr=True, highlight=False)
    if dataset is not None:
        if files or layout or column:
            raise typer.BadParameter("a dataset is read as it was uploaded", param_hint="--dataset")
        said = audited(dataset, out, {"anchors": asked(anchors), "embed": embed, "seed": seed})
        show(said, out, console, as_json=as_json)
        return
    if not files:
        raise typer.BadParameter("name files, or a dataset by --dataset", param_hint="FILES")
    from service.audit.run import audit as run
    from service.audit.run import write_folder
    from service.formats import FORMATS

    for path in files:
        if not path.is_file():
            raise typer.BadParameter(f"can't read {path}", param_hint="FILE")
    if layout is not None and layout not in FORMATS:
        raise typer.BadParameter(f"no layout {layout!r}; known: {', '.join(FORMATS)}")
    if not (anchors == "all" or anchors.isdecimal() or Path(anchors).is_file()):
        raise typer.BadParameter("all, a number, or a file", param_hint="--anchors")
    mapping = mapping_of(column)
    with Progress(console=console, transient=True, disable=as_json) as bars:
        bar = bars.add_task("reading", total=1.0)

        def progress(stage: str, share: float) -> None:
            bars.update(bar, description=stage, completed=share)

        try:
            found = run(
                files, anchors=anchors, seed=seed, embed=embed, layout=layout, mapping=mapping,
                progress=progress,
            )  # fmt: skip
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--anchors") from error
    show(write_folder(found, out), out, console, as_json=as_json)


def show(said: dict[str, Any], out: Path, console: Console, *, as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(said).decode())
    else:
        tell(said, out, console)


def tell(said: dict[str, Any], out: Path, console: Console) -> None:
    wrong = said["likely_wrong"]
    for warning in said["warnings"]:
        console.print(f"[yellow]{warning}[/yellow]", soft_wrap=True)
    if wrong["labels"] is None:
        console.print(
            f"how many labels are wrong is not identified: {wrong['why']}", soft_wrap=True
        )
    else:
        console.print(f"about {wrong['labels']:,} of {wrong['of']:,} labels are likely wrong")
    actions = ", ".join(f"{count:,} {name}" for name, count in said["actions"].items())
    console.print(f"{said['pairs']:,} pairs: {actions or 'none that labels decide'}")
    if said["rejected"]:
        console.print(f"{len(said['rejected']):,} lines could not be read: see report.json")
        console.print(f"  {first(said['rejected'])}", markup=False, soft_wrap=True)
    console.print(f"report: {out / 'report.html'}", soft_wrap=True)


def first(rejected: list[dict[str, Any]]) -> str:
    """Where it stands and what is wrong; a mapping to try as options of the command line."""
    place, message = f"{rejected[0]['file']}, line {rejected[0]['line']}", rejected[0]["message"]
    before, proposed, after = message.partition("; try mapping=")
    if proposed:
        guess = orjson.loads(after.partition("; known layouts")[0])
        message = f"{before}; try: {in_words(guess)}"
    return f"{place}: {message}"
