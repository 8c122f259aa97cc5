"""`prefsift contamination`: what a file or a dataset repeats of benchmarks, with the evidence."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.connection import connect
from service.cli.remote import dataset_named, follow

SHOWN = 160  # characters of a text


def contamination(
    source: Annotated[str, typer.Argument(help="A file of pairs, or name or id of a dataset.")],
    against: Annotated[
        list[Path], typer.Option(help="A benchmark: any file of rows with texts; repeatable.")
    ],
    words: Annotated[int, typer.Option(min=5, max=100, help="Of an n-gram.")] = 13,
    cosine: Annotated[float, typer.Option(min=0.01, max=1, help="Of vectors, from which.")] = 0.9,
    embed: Annotated[
        bool, typer.Option("--embed/--no-embed", help="Compare vectors, too (of a file).")
    ] = True,
    layout: Annotated[
        str | None, typer.Option("--layout", "--format", help="Layout of the file.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Entries to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all as one JSON value.")] = False,
) -> None:
    """Find texts that repeat a benchmark: which line, which words, which cosine.

    Every string of 5 words and more in the benchmark's rows is looked for. `signal` in the JSON is
    a gate for recipes: its output `clean` is 1 where nothing is repeated.

    Example: prefsift contamination hh.jsonl.gz --against hhh_eval.json --no-embed
    """
    from curation.signals.contamination import Contamination
    from service.contamination.benchmarks import read_benchmarks

    for path in against:
        if not path.is_file():
            raise typer.BadParameter(f"can't read {path}", param_hint="--against")
    items = read_benchmarks(against)
    signal = Contamination(
        against=tuple(item.text for item in items), words=words, cosine=cosine
    )  # fmt: skip
    if Path(source).is_file():
        told = of_file(Path(source), signal, layout, embed)
    else:
        told = of_dataset(source, signal)
    for each in told["items"]:
        item = items[each["item"]]
        each |= {"benchmark": item.file, "benchmark_line": item.line, "benchmark_field": item.field}
    told["items_looked_for"] = len(items)
    if as_json:
        typer.echo(orjson.dumps({**told, "signal": signal.model_dump(mode="json")}).decode())
    else:
        tell(told, limit)


def of_file(path: Path, signal: Any, layout: str | None, embed: bool) -> dict[str, Any]:
    from service.contamination.evidence import contaminated, of_columns, without_vectors
    from service.duplicates.files import embedded, read_files

    files = read_files([path], layout)
    if embed:
        columns = dict(signal.score(embedded(files.pairs, signal)).columns)
        found = list(of_columns(signal, files.pairs, columns))
    else:
        found = list(without_vectors(signal, files.pairs))
    lines = {id: place.line for id, place in zip(files.pairs.ids, files.places, strict=True)}
    for each in found:
        each["line"] = lines[each["pair_id"]]
    return {"pairs": len(files.pairs), "contaminated": contaminated(found), "items": found}


def of_dataset(name: str, signal: Any) -> dict[str, Any]:
    api = connect()
    path = f"/datasets/{dataset_named(api, name)}/contamination"
    body = {"against": list(signal.against), "words": signal.words, "cosine": signal.cosine}
    made = api.post(path, body)
    follow(api, made["job"])
    told = api.get(path, signal=made["signal"])
    found, cursor = told["items"], told["next_cursor"]
    while cursor is not None:
        page = api.get(path, signal=made["signal"], cursor=cursor)
        found, cursor = found + page["items"], page["next_cursor"]
    return {"pairs": told["pairs"], "contaminated": told["contaminated"], "items": found}


def tell(told: dict[str, Any], limit: int) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"{told['contaminated']:,} of {told['pairs']:,} pairs repeat one of "
        f"{told['items_looked_for']:,} texts of the benchmark",
        markup=False,
    )
    for each in told["items"][:limit]:
        place = f"line {each['line']}" if "line" in each else each["pair_id"]
        origin = f"{each['benchmark']} line {each['benchmark_line']}, {each['benchmark_field']}"
        if each["kind"] == "ngrams":
            console.print(
                f"\n{place}, {each['field']} {each['start']}–{each['end']}: {each['ngrams']} "
                f"n-grams, {each['share']:.0%} of {origin}",
                style="bold", markup=False,
            )  # fmt: skip
            console.print(f"   {' '.join(each['text'].split())[:SHOWN]}", markup=False)
        else:
            head = f"\n{place}: cosine {each['cosine']:.3f} with {origin}"
            console.print(head, style="bold", markup=False)
            console.print(f"   {' '.join(each['item_text'].split())[:SHOWN]}", markup=False)
    if len(told["items"]) > limit:
        console.print(f"\n… and {len(told['items']) - limit:,} more: --limit, --json", markup=False)
