"""`evaluate`: does a selection help?"""

from typing import Annotated

import typer

from service.cli.connection import connect
from service.cli.evaluation_words import tell_evaluation
from service.cli.remote import SubsetId, follow, show

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, the rest on stderr.")]


def evaluate(
    subset: SubsetId,
    against: Annotated[
        list[str] | None, typer.Option(help="Another subset on the same splits; repeatable.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Slices of the test: length,source,topic,annotator,…")
    ] = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="Also a learning curve, and how many pairs are enough.")
    ] = False,
    splits: Annotated[int | None, typer.Option(min=2, max=50)] = None,
    as_json: Json = False,
) -> None:
    """Compare the recipe of a subset with random subsets, all pairs, and other subsets.

    Example: prefsift evaluate 6f1c… --against 0a2b… --by length,source --curve
    """
    api = connect()
    names = [name.strip() for name in (by or "").split(",") if name.strip()]
    body = {"against": against or [], "by": names, "curve": curve}
    asked = {key: value for key, value in body.items() if value}
    body = {**asked, **({"splits": splits} if splits else {})}
    follow(api, api.post(f"/subsets/{subset}/evaluate", body), ours=True)
    found = api.get(f"/subsets/{subset}")["evaluation"]
    show(found) if as_json else tell_evaluation(found, subset)
