"""`prefsift pairs`: build pairs from labels by a policy, list what was built, remove it."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.client import Api
from service.cli.connection import connect
from service.cli.listing import cell
from service.cli.policy_options import changed, named
from service.cli.remote import dataset_named, follow, note, show
from service.cli.screen import Json, many, say, tell
from service.report.pair_report import rendered

DatasetName = Annotated[str, typer.Argument(help="Name or id of a dataset.")]
BuildId = Annotated[str, typer.Argument(help="Id of a build, from `prefsift pairs list`.")]
PolicyName = Annotated[
    str | None, typer.Option(help="See `prefsift policies`, or a file; else by the labels.")
]
Gap = Annotated[float | None, typer.Option(min=0, help="Least margin, in the labels' unit.")]
Cap = Annotated[int | None, typer.Option(min=1, help="Pairs a prompt, the widest margins first.")]
Ties = Annotated[str | None, typer.Option(help="drop, or soft: soft label 0.5.")]
CrossModel = Annotated[bool, typer.Option("--cross-model-only", help="Of two different models.")]
Aspect = Annotated[list[str] | None, typer.Option(help="NAME or NAME=WEIGHT; may be repeated.")]
Seed = Annotated[int | None, typer.Option(min=0)]
Preview = Annotated[bool, typer.Option("--preview", help="Only say what would be built.")]

pairs = typer.Typer(help="Build pairs from ratings, rankings, thumbs or comparisons by a policy.")


@pairs.command("build")
def build(
    dataset: DatasetName,
    policy: PolicyName = None,
    min_gap: Gap = None,
    cap_per_prompt: Cap = None,
    ties: Ties = None,
    cross_model_only: CrossModel = False,
    aspect: Aspect = None,
    seed: Seed = None,
    preview: Preview = False,
    as_json: Json = False,
) -> None:
    """Build pairs by a policy, or preview it: nothing is written then.

    Example: prefsift pairs build mine --policy best_vs_worst --min-gap 1 --preview
    """
    given = {
        "min_gap": min_gap, "cap_per_prompt": cap_per_prompt, "ties": ties, "seed": seed,
        "cross_model_only": cross_model_only or None,
    }  # fmt: skip
    body = body_of(policy, given, aspect or [])
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/pair-builds"
    found = api.post(path, {**body, "preview": True}) if preview else made(api, path, body)
    if as_json:
        typer.echo(orjson.dumps(found).decode())
    else:
        Console(highlight=False).print(rendered(found), markup=False, soft_wrap=True)


def body_of(name: str | None, given: dict[str, Any], aspects: list[str]) -> dict[str, Any]:
    """The request; without a policy the server chooses one by the labels."""
    if name is None:
        if aspects or any(value is not None for value in given.values()):
            message = "name the policy that these options change"
            raise typer.BadParameter(message, param_hint="--policy")
        return {}
    return {"policy": changed(named(name), given, aspects).model_dump(mode="json")}


def made(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The build once its job has ended, with why this policy was chosen."""
    answer = api.post(path, body)
    follow(api, answer["job"], ours=True)
    return {**api.get(f"{path}/{answer['build']['id']}"), "why": answer["why"]}


@pairs.command("list")
def list_builds(dataset: DatasetName, as_json: Json = False) -> None:
    """List the builds of a dataset, the first one first.

    Example: prefsift pairs list mine
    """
    api = connect()
    found = [*api.pages(f"/datasets/{dataset_named(api, dataset)}/pair-builds")]
    if as_json:
        show(found)
    elif not found:
        typer.echo(
            f"no build yet: `prefsift pairs build {dataset} --preview` says what it would be"
        )
    for each in [] if as_json else found:
        policy, report = each["policy"], each["report"] or {}
        say(each["id"], "bold")
        built = many(report["pairs"], "pair") if report else each["state"]
        tell({cell("created_at", each["created_at"]): f"{policy['id'] or policy['kind']}: {built}"})


@pairs.command("remove")
def remove(dataset: DatasetName, build: BuildId) -> None:
    """Remove a build with its pairs. Refused while a subset was selected from them.

    Example: prefsift pairs remove mine 6f1c…
    """
    api = connect()
    api.request("DELETE", f"/datasets/{dataset_named(api, dataset)}/pair-builds/{build}")
    note(f"removed {build} with its pairs")
