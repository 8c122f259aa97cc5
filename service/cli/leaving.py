"""`withdraw`, `restore`, `erase`: sources that leave a dataset."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service.cli.connection import connect
from service.cli.remote import DatasetName, dataset_named, follow, show
from service.cli.screen import Json, advise, many, say, tell

UploadId = Annotated[str, typer.Argument(help="Id of an upload.")]


def withdraw(upload_id: UploadId, as_json: Json = False) -> None:
    """Take an upload out of everything new. `prefsift restore` brings it back.

    Prints the subsets and exports that had used it.

    Example: prefsift withdraw 6f1c…
    """
    found = connect().post(f"/uploads/{upload_id}/withdraw")
    if as_json:
        show(found)
        return
    say(f"{found['upload']['filename']}: withdrawn; nothing new will use it", "bold")
    tell(touched(found["touched"]))
    advise(f"prefsift restore {upload_id}   # brings it back")


def restore(upload_id: UploadId, as_json: Json = False) -> None:
    """Bring a withdrawn upload back: the same labels, pairs with the same ids.

    Example: prefsift restore 6f1c…
    """
    found = connect().post(f"/uploads/{upload_id}/restore")
    if as_json:
        show(found)
    else:
        say(f"{found['upload']['filename']}: restored, {many(found['pairs'], 'pair')}", "bold")


def erase(
    dataset: DatasetName,
    upload: Annotated[str | None, typer.Option(help="Id of the upload to erase.")] = None,
    annotator: Annotated[str | None, typer.Option(help="Name of the annotator to erase.")] = None,
    kind: Annotated[str, typer.Option(help="The annotator's: human, model or rule.")] = "human",
    keep_exports: Annotated[
        bool, typer.Option("--keep-exports", help="Leave the files of touched exports.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it touches.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete an upload, or all that an annotator said, for good.

    Example: prefsift erase chats --annotator worker-17 --dry-run
    """
    if (upload is None) == (annotator is None):
        raise typer.BadParameter("name either --upload or --annotator")
    if not dry_run and not yes:
        typer.confirm(f"Erase {upload or annotator} for good?", abort=True, err=True)
    api = connect()
    body: dict[str, Any] = {"exports": "keep" if keep_exports else "delete", "dry_run": dry_run}
    body |= {"upload_id": upload} if upload else {"annotator": {"name": annotator, "kind": kind}}
    made = api.post(f"/datasets/{dataset_named(api, dataset)}/erasures", body)
    found = made["erasure"] if made["job"] is None else follow(api, made["job"])["result"]
    show(found) if as_json else tell_erasure(found, upload or f"{kind} annotator {annotator}")


def tell_erasure(found: Mapping[str, Any], source: str) -> None:
    only = found.get("state") == "dry_run"
    say(f"{source}: {'nothing is erased by a dry run' if only else 'erased for good'}", "bold")
    erased: Mapping[str, int] = found["erased"] or {}
    rows = [f"{count:,} {name.replace('_', ' ')}" for name, count in erased.items()]
    tell({"would go" if only else "gone": rows, **touched(found["touched"] or {})})


def touched(found: Mapping[str, Any]) -> dict[str, list[str]]:
    """The subsets and exports that had used some of a source."""
    return {
        "subsets": [
            f"{each['id']}" + (f", {many(each['pairs'], 'pair')} of it" if "pairs" in each else "")
            for each in found.get("subsets", ())
        ],
        "exports": [str(each["id"]) for each in found.get("exports", ())],
    }
