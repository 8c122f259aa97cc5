"""`withdraw`, `restore`, `erase`: sources that leave a dataset."""

from typing import Annotated, Any

import typer

from service.cli.connection import connect
from service.cli.remote import DatasetName, dataset_named, follow, show

UploadId = Annotated[str, typer.Argument(help="Id of an upload.")]


def withdraw(upload_id: UploadId) -> None:
    """Take an upload out of everything new. `prefsift restore` brings it back.

    Prints the subsets and exports that had used it.
    """
    show(connect().post(f"/uploads/{upload_id}/withdraw"))


def restore(upload_id: UploadId) -> None:
    """Bring a withdrawn upload back: the same labels, pairs with the same ids."""
    show(connect().post(f"/uploads/{upload_id}/restore"))


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
    if made["job"] is None:
        show(made["erasure"])
    else:
        show(follow(api, made["job"])["result"])
