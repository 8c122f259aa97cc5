"""A group of commands, one of which is meant where none is named."""

from typing import Any

from typer.core import TyperGroup


def defaults_to(command: str) -> type[TyperGroup]:
    """So that `prefsift recipes FILE` is `prefsift recipes list FILE`."""

    class ByDefault(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if not args or (args[0] not in self.commands and args[0] != "--help"):
                args = [command, *args]
            return super().parse_args(ctx, args)

    return ByDefault
