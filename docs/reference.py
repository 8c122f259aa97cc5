"""Writes the reference from the code: `python docs/reference.py FOLDER`, or `make docs`.

openapi.json is the API; reference.md lists signals, recipes, layouts and settings.
"""

import json
import sys
from pathlib import Path

from curation.recipes import RECIPES
from service.app import app
from service.config import Settings
from service.formats import FORMATS
from service.routes.catalogue import signals


def reference() -> str:
    lines = ["# Reference", "", "Written by `make docs`; do not edit.", "", "## Signals"]
    for signal in signals():
        lines += ["", f"### {signal.kind} (per {signal.level})", "", signal.description, ""]
        lines += ["| output | unit | meaning |", "|---|---|---|"]
        lines += [f"| `{out.name}` | {out.unit} | {out.direction} |" for out in signal.outputs]
    lines += ["", "## Recipes"]
    for recipe in RECIPES.values():
        lines += ["", f"### {recipe.id}", "", f"{recipe.title}.", "", recipe.description]
    lines += ["", "## Layouts", ""]
    lines += [f"- `{name}`: {layout.description}" for name, layout in FORMATS.items()]
    lines += ["", "## Settings", "", "| variable | default |", "|---|---|"]
    lines += [
        f"| `PREFSIFT_{name.upper()}` | `{field.default!s}` |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openapi.json").write_text(json.dumps(app.openapi(), indent=2) + "\n", "utf-8")
    (folder / "reference.md").write_text(reference(), "utf-8")
    sys.stdout.write(f"{folder}/openapi.json, {folder}/reference.md\n")
