"""`select`, `subsets`, `combine`: make subsets, list and tag them, put them together."""

import shlex
from typing import Annotated, Any

import orjson
import typer
import yaml

from curation.pairing import POLICIES
from curation.pairing import load as load_policy
from service.cli.connection import connect
from service.cli.recipe_option import DEFAULT, known_recipe
from service.cli.remote import DatasetName, SubsetId, dataset_named, follow, note, show
from service.cli.screen import Json, many
from service.cli.subset_words import tell_preview, tell_subset, tell_subsets

Others = Annotated[list[str] | None, typer.Option(help="Ids of subsets; repeatable.")]
TagNames = Annotated[list[str] | None, typer.Option("--tag", help="A name; repeatable.")]
RecipeName = Annotated[str, typer.Option(help="Id of a recipe, or a recipe file.")]
BudgetText = Annotated[
    str | None,
    typer.Option(help='"10%", "500", "2M tokens", "$50 at $2 per 1M tokens"; else the recipe\'s.'),
]


def select(
    dataset: DatasetName,
    recipe: RecipeName = DEFAULT,
    where: Annotated[str | None, typer.Option(help="A filter; see docs/filters.md.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="A pair policy, see `prefsift policies`, or a file.")
    ] = None,
    budget: BudgetText = None,
    price: Annotated[str | None, typer.Option(help='Of dollars: "$0.05 per pair".')] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Counts tokens; else they are estimated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    seeds: Annotated[
        str | None, typer.Option(help="Several, as 0,1,2: how often is each pair kept?")
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option("--signal", help="name.field=value of the recipe's signals; repeatable."),
    ] = None,
    tag: TagNames = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only count what it would take and keep.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score what is missing and select a subset.

    Example: prefsift select mine --recipe fifa --budget "2M tokens" --where "votes >= 2"

    Example: prefsift select mine --recipe random --seeds 0,1,2 --tag baseline --preview
    """
    body: dict[str, Any] = {
        "recipe": known_recipe(recipe),
        "budget": budget,
        "price": price,
        "where": where,
        "policy": policy_given(policy),
        "tokenizer": tokenizer,
        "signals": changed(signal or ()),
        "tags": tag or [],
        "preview": preview,
        **({"seed": seed} if seeds is None else {"seeds": numbers(seeds)}),
    }
    api = connect()
    made = api.post(f"/datasets/{dataset_named(api, dataset)}/subsets", body)
    if preview:
        show(made) if as_json else tell_preview(made)
        return
    follow(api, made["job"], ours=True)
    found = api.get(f"/subsets/{made['subset']['id']}")
    if not found["pool"]:
        note(why_empty(found, dataset))
    show(found) if as_json else tell_subset(found, fresh=True)


def why_empty(found: dict[str, Any], dataset: str) -> str:
    named = shlex.quote(dataset)
    filtered = found["manifest"]["reasons"].get("not_in_filter", 0)
    if filtered:
        where = shlex.quote(str(found["asked"]["where"]))
        rest = f"see `prefsift query {named} --where {where}`"
        return f"the filter keeps none of {many(filtered, 'pair')}: {rest}"
    return f"there are no pairs to select from: `prefsift pairs build {named} --preview`"


def subsets(
    dataset: DatasetName,
    tag: Annotated[str | None, typer.Option(help="Only those that have it.")] = None,
    set_tags: Annotated[
        list[str] | None,
        typer.Option("--set-tag", help="Of --subset, in place of its tags; repeatable."),
    ] = None,
    subset: Annotated[str | None, typer.Option(help="One of them, by its id.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete --subset with its exports.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the subsets of a dataset; look at one, tag it, delete it.

    Example: prefsift subsets mine --subset ID --set-tag baseline
    """
    api = connect()
    if subset is None:
        if delete or set_tags:
            raise typer.BadParameter(
                "give the id of one: `prefsift subsets DATASET` lists them", param_hint="--subset"
            )
        where = {} if tag is None else {"tag": tag}
        found = [*api.pages(f"/datasets/{dataset_named(api, dataset)}/subsets", **where)]
        show(found) if as_json else tell_subsets(found, dataset)
        return
    path = f"/subsets/{subset}"
    if delete:
        api.request("DELETE", path)
        if not as_json:
            typer.echo(f"deleted {subset} with its exports")
        return
    if set_tags:
        one = orjson.loads(api.request("PATCH", path, json={"tags": set_tags}).content)
    else:
        one = api.get(path)
    show(one) if as_json else tell_subset(one)


def combine(
    first: SubsetId,
    union: Others = None,
    minus: Others = None,
    intersect: Others = None,
    tag: TagNames = None,
    as_json: Json = False,
) -> None:
    """Put subsets of a dataset together: in any, in the first and no other, in all of them.

    Example: prefsift combine FIRST --minus SECOND --tag without-second
    """
    given = {"union": union, "minus": minus, "intersect": intersect}
    asked = {name: [first, *others] for name, others in given.items() if others}
    if len(asked) != 1:
        raise typer.BadParameter("give one of --union, --minus and --intersect")
    api = connect()
    made = api.post("/subsets/combine", {**asked, "tags": tag or []})
    follow(api, made["job"], ours=True)
    found = api.get(f"/subsets/{made['subset']['id']}")
    show(found) if as_json else tell_subset(found, fresh=True)


def policy_given(name: str | None) -> str | dict[str, Any] | None:
    """The id of a shipped policy; the policy itself where it comes from a file."""
    if name is None or name in POLICIES:
        return name
    try:
        return load_policy(name).model_dump(mode="json")
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--policy") from error


def numbers(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise typer.BadParameter("are whole numbers, as 0,1,2", param_hint="--seeds") from None


def changed(settings: list[str] | tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """{signal: {field: value}} of "signal.field=value"."""
    found: dict[str, dict[str, Any]] = {}
    for each in settings:
        path, equals, value = each.partition("=")
        name, dot, field = path.partition(".")
        if not (equals and dot and field):
            raise typer.BadParameter(f"is name.field=value, not {each!r}", param_hint="--signal")
        found.setdefault(name, {})[field] = yaml.safe_load(value)
    return found
