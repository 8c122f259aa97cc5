"""The `prefsift` command: finds the subcommand and imports only what that one needs."""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NamedTuple

import typer


class Command(NamedTuple):
    module: str
    function: str
    summary: str


COMMANDS = {
    "curate": Command("curate", "curate", "FILE… -> a small training set with its proof"),
    "up": Command("stack", "up", "Start the stack in the background"),
    "down": Command("stack", "down", "Stop the stack"),
    "status": Command("stack", "status", "What runs, and where"),
    "worker": Command("stack", "worker", "Run a worker in the foreground"),
    "recipes": Command("catalogue", "recipes", "The recipes, or one of them"),
    "signals": Command("catalogue", "signals", "The signals and their parameters"),
    "formats": Command("formats", "formats", "The data layouts, or how a file would be read"),
    "audit": Command("audit", "audit", "FILE… -> what the labels are worth"),
    "duplicates": Command("duplicates", "duplicates", "What a dataset or a file says twice"),
    "topics": Command("topics", "topics", "What a dataset is about, and what a subset covers"),
    "contamination": Command("contamination", "contamination", "What repeats a benchmark"),
    "convert": Command("convert", "convert", "Rewrite a file in another layout"),
    "datasets": Command("listing", "datasets", "The datasets"),
    "upload": Command("upload", "upload", "Add files to a dataset"),
    "uploads": Command("listing", "uploads", "The uploads of a dataset"),
    "rejects": Command("upload", "rejects", "The lines of an upload that were not taken"),
    "policies": Command("policies", "policies", "The pair policies, or one of them"),
    "pairs": Command("pairs", "pairs", "Build pairs from labels by a policy"),
    "review": Command("review", "review", "What humans should look at first, and their verdicts"),
    "import": Command("importing", "fetch", "Add files of a hub dataset or a URL to a dataset"),
    "query": Command("query", "query", "Pairs of a dataset, filtered and ordered"),
    "what-if": Command("what_if", "what_if", "What a threshold of a score would keep"),
    "select": Command("subsets", "select", "Select a subset of a dataset by a recipe"),
    "subsets": Command("subsets", "subsets", "The subsets of a dataset: list, tag, delete"),
    "combine": Command("subsets", "combine", "Union, difference and intersection of subsets"),
    "evaluate": Command("proving", "evaluate", "Compare a subset with random ones and others"),
    "advise": Command("advise", "advise", "Which recipe helps on your data, or that none does"),
    "export": Command("remote", "export", "Write a subset as a folder"),
    "exports": Command("listing", "exports", "The exports of a dataset"),
    "views": Command("listing", "views", "The saved views of a dataset"),
    "jobs": Command("listing", "jobs", "The jobs, or one of them"),
    "withdraw": Command("leaving", "withdraw", "Take an upload out of everything new"),
    "restore": Command("leaving", "restore", "Bring a withdrawn upload back"),
    "erase": Command("leaving", "erase", "Delete an upload, or what an annotator said"),
    "replay": Command("replay", "replay", "Make an export again and compare every byte"),
    "diff": Command("diff", "diff", "What differs between two exports or subsets"),
    "push": Command("push", "push", "Upload an exported folder to a Hugging Face hub"),
    "verify": Command("verify", "verify", "Check an exported folder against its manifest"),
}

Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


def top(context: typer.Context, show_version: Version = False) -> None:
    """Curate and filter preference data for aligning language and image models."""
    if show_version:
        typer.echo(f"prefsift {version('prefsift')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line; every error a user can make ends in one line on stderr."""
    began = time.monotonic()
    app = build(next((word for word in sys.argv[1:] if not word.startswith("-")), None))
    try:
        app(obj=began)  # imports take seconds: commands with a time to keep count from here
    except SystemExit:
        raise  # before the next line, which imports
    except expected_errors() as error:
        message = " ".join(worded(error).split())  # one line, whatever a server had to say
        typer.secho(f"error: {message}", fg="red", err=True)
        raise SystemExit(getattr(error, "exit_code", 1)) from error


def worded(error: BaseException) -> str:
    """As the command line says it, also where no server was asked."""
    from service.cli.client import of_problem
    from service.errors import ServiceError

    return str(of_problem(error.problem(), 1) if isinstance(error, ServiceError) else error)


def build(asked: str | None) -> typer.Typer:
    """The application: the command asked for is real, the others are their summaries."""
    app = typer.Typer(add_completion=False, no_args_is_help=False, rich_markup_mode=None)
    app.callback(invoke_without_command=True)(top)
    for name, command in COMMANDS.items():
        if name == asked:
            module = import_module(f"service.cli.{command.module}")
            found: Callable[..., None] | typer.Typer = getattr(module, command.function)
            if isinstance(found, typer.Typer):
                app.add_typer(found, name=name)
            else:
                app.command(name)(found)
        else:
            app.command(name, help=command.summary)(summary_only)
    return app


def summary_only() -> None:
    """Stands for a command in the list of all."""


def expected_errors() -> tuple[type[BaseException], ...]:
    """What is a user's to mend, so that it needs no traceback."""
    from service.cli.client import ApiError
    from service.embedded.home import EmbeddedError
    from service.errors import ServiceError

    return (EmbeddedError, ServiceError, ApiError)


if __name__ == "__main__":
    main()
