"""`prefsift policies`: the pair policies that this version knows. Needs no server."""

from typing import Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console
from rich.table import Table

from curation.pairing import POLICIES, load

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
Name = Annotated[str, typer.Argument(help="The id of a policy, or the path of a policy file.")]

policies = typer.Typer(help="The pair policies that come with prefsift, or one of them in full.")


@policies.callback(invoke_without_command=True)
def list_policies(context: typer.Context, as_json: Json = False) -> None:
    """List the policies. `prefsift policies show curry` prints one in full."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        lines = [
            {**policy.model_dump(mode="json"), "id": name, "sha256": policy.sha256()}
            for name, policy in POLICIES.items()
        ]
        typer.echo(orjson.dumps(lines).decode())
        return
    table = Table("id", "paper", "title", box=None, pad_edge=False)
    for name, policy in POLICIES.items():
        table.add_row(name, policy.paper or "", policy.title)
    Console().print(table)


@policies.command("show")
def show_policy(name: Name, as_json: Json = False) -> None:
    """Print a policy with every default filled in: a file to start an own one from.

    Example: prefsift policies show curry > mine.yaml
    """
    try:
        policy = load(name)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from error
    body: dict[str, Any] = policy.model_dump(mode="json")
    if as_json:
        typer.echo(orjson.dumps({**body, "sha256": policy.sha256()}).decode())
    else:
        typer.echo(yaml.safe_dump(body, sort_keys=False, allow_unicode=True), nl=False)
