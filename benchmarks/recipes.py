"""Runs every recipe on a file that suits it, by the installed command: the table of the docs.

    python -m benchmarks.recipes [--data ../shared/data] [--only NAME …] [--write]

A stack of its own is started; each file becomes a dataset (`prefsift upload`), and each recipe runs
by `prefsift select DATASET --recipe NAME`, which builds the pairs where the recipe has a policy,
scores, selects and checks what the recipe expects. Of two files that suit a recipe the smaller one
is taken; what one recipe scored serves the next, so seconds depend on the order, which is that of
the names. A recipe that no file suits is marked `needs`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from curation.recipes import RECIPES, Recipe, What, runs
from service.installation import installed
from service.labels.held import of_file

FILES = {
    "hhh": "hhh/hhh_alignment_eval.json.gz",
    "llmbar": "llmbar/natural_neighbor.jsonl.gz",
    "oasst": "oasst/en_100_tree.jsonl.gz",
    "sparse_rated": "sparse_feedback/feedback_ratings_sample_generation.csv",
    "tifa": "tifa/human_annotations_with_scores.json.gz",
    "rm_bench": "rm_bench/chat_filtered.json.gz",
    "imagereward": "imagereward/test_first300.json.gz",
    "tia2": "tia2/human_labels_comprehensive.json.gz",
    "ab_redial": "ab_redial/annotated_turns.csv.gz",
    "qa_feedback": "qa_feedback/dev_feedback.json.gz",
}
SUITS: Mapping[str, str] = {
    **dict.fromkeys(("conformal_clean", "hybrid_routing", "skywork_v2"), "llmbar"),
    **dict.fromkeys(("curry", "magpie", "reward_augmented", "rso"), "llmbar"),
    "wildfeedback": "oasst",
    "ultrainteract_tree": "rm_bench",
}
BEGIN, END = "<!-- table: recipes -->", "<!-- /table -->"
PAGE = Path(__file__).parent.parent / "docs" / "recipes.md"


class Line(NamedTuple):
    """A row of the table; `file` and what follows are empty where the recipe needs more."""

    recipe: str
    file: str
    pool: int
    kept: int
    seconds: float
    expects: str
    note: str


class Stack:
    """The installed command, on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "PREFSIFT_HOME": str(home)}
        self.command = str(Path(sys.executable).parent / "prefsift")

    def run(self, *words: str) -> Any:
        """What it printed, as JSON. Raises CalledProcessError with what it said."""
        done = subprocess.run(
            [self.command, *words], env=self.environment, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode()[-2000:])
        return orjson.loads(done.stdout) if done.stdout.startswith((b"{", b"[")) else None


def measured(data: Path, names: Sequence[str]) -> Iterator[Line]:
    held = {name: of_file(data / path) for name, path in FILES.items()}
    with tempfile.TemporaryDirectory() as folder:
        stack, there = Stack(Path(folder)), set[str]()
        stack.run("up", "--port", "0")
        try:
            for recipe in (RECIPES[name] for name in names):
                yield one(stack, recipe, data, held, there)
        finally:
            stack.run("down")


def one(stack: Stack, recipe: Recipe, data: Path, held: Mapping[str, Any], there: set[str]) -> Line:
    name = suitable(recipe, held)
    if name is None:
        missing = runs(recipe.needs, {**installed(), **held["hhh"]}).missing
        return Line(recipe.id, "", 0, 0, 0.0, "", f"needs {', '.join(map(str, missing))}")
    dataset = f"{name} {recipe.pairs.name()}" if recipe.pairs else name  # pairs that it builds stay
    if dataset not in there:
        stack.run("upload", str(data / FILES[name]), "--dataset", dataset)
        there.add(dataset)
    began = time.monotonic()
    try:
        made = stack.run("select", dataset, "--recipe", recipe.id, "--json")
    except RuntimeError as error:
        return Line(recipe.id, FILES[name], 0, 0, 0.0, "", " ".join(str(error).split())[-200:])
    seconds = time.monotonic() - began
    expects = made["manifest"]["expects"]
    held_ones = sum(each["held"] is True for each in expects)
    note = "; ".join(made["manifest"]["degraded"])
    checked = f"{held_ones} of {len(expects)}"
    return Line(recipe.id, FILES[name], made["pool"], made["size"], seconds, checked, note)


def suitable(recipe: Recipe, held: Mapping[str, Mapping[What, int]]) -> str | None:
    """The file that is said to suit it, or the first one that has what it needs."""
    if recipe.id in SUITS:
        return SUITS[recipe.id]
    for name, counted in held.items():
        decided = counted.get(What.pairs, 0) > 0 or recipe.pairs is not None
        everything = {what: counted.get(what, 0) for what in What if what not in installed()}
        if decided and not runs(recipe.needs, {**installed(), **everything}).missing:
            return name
    return None


HEAD = (
    "| recipe | file | `prefsift` | pairs in | pairs out | seconds | expects held | without |",
    "|---|---|---|--:|--:|--:|---|---|",
)


def row(line: Line) -> str:
    numbers = [f"{line.pool:,}", f"{line.kept:,}", f"{line.seconds:.0f}"]
    counted = numbers if line.expects else ["–", "–", "–"]
    command = f"`select {line.file.split('/')[0]} --recipe {line.recipe}`" if line.file else "–"
    cells = [f"`{line.recipe}`", line.file or "–", command, *counted, line.expects or "–"]
    cells.append(line.note or "–")
    return f"| {' | '.join(cells)} |"


def written(lines: Sequence[Line]) -> None:
    """Put the rows into the page; those of recipes that did not run now stay as they are."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    old, after = rest.split(END)
    rows = {text.split("`")[1]: text for text in old.splitlines() if text.startswith("| `")}
    rows |= {line.recipe: row(line) for line in lines}
    body = "\n".join([*HEAD, *(rows[name] for name in sorted(rows) if name in RECIPES)])
    PAGE.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("PREFSIFT_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--write", action="store_true", help="into docs/recipes.md")
    parser.add_argument("--lines", type=Path, help="write these, printed by an earlier run")
    asked = parser.parse_args()
    if asked.lines:
        printed = asked.lines.read_bytes().splitlines()
        written([Line(**orjson.loads(text)) for text in printed if text.startswith(b"{")])
        return
    lines: list[Line] = []
    for line in measured(asked.data, asked.only or [*RECIPES]):
        lines.append(line)
        print(orjson.dumps(line._asdict()).decode(), flush=True)
    if asked.write:
        written(lines)


if __name__ == "__main__":
    main()
