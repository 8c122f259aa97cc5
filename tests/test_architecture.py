"""The rules of the house that a linter does not know."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("curation", "service", "workers", "migrations", "tests", "benchmarks")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PRODUCT = [path for path in FILES if path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks")]
MAX_LINES = 300
MAX_DEPTH = 3  # package/folder/file.py
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "shared"}
BOUNDARY = {"workers/protocol.py": 1}  # the job boundary: records and raises again


def test_there_is_something_to_check() -> None:
    assert len(PRODUCT) > 50


def test_files_are_short() -> None:
    long = {str(path): len(path.read_text().splitlines()) for path in FILES}
    assert {path: lines for path, lines in long.items() if lines > MAX_LINES} == {}


def test_folders_are_two_deep_and_named_for_a_thing() -> None:
    for path in PRODUCT:
        inside = path.relative_to(ROOT)
        assert len(inside.parts) <= MAX_DEPTH, inside
        assert not DRAWERS & {*inside.parts[:-1], inside.stem}, inside


def test_any_exception_is_caught_in_one_place_only() -> None:
    found: dict[str, int] = {}
    for path in PRODUCT:
        handlers = [n for n in ast.walk(ast.parse(path.read_text())) if catches_all(n)]
        if handlers:
            found[str(path.relative_to(ROOT))] = len(handlers)
    assert found == BOUNDARY


def catches_all(node: ast.AST) -> bool:
    """`except Exception`, or a bare or BaseException handler that does not raise again."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = ast.walk(node.type) if node.type else ()
    names = {name.id for name in caught if isinstance(name, ast.Name)}
    if "Exception" in names:
        return True
    cleans_up = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
    return (not node.type or "BaseException" in names) and not cleans_up


def test_nothing_is_left_to_do_and_no_test_is_skipped() -> None:
    words = ("TODO", "FIXME", "NotImplementedError", "pytest.skip", "mark.skip", "importorskip")
    others = [path for path in FILES if path != Path(__file__)]
    found = [(path.name, word) for path in others for word in words if word in path.read_text()]
    assert found == []


@pytest.mark.parametrize("module", ["service.app", "service.cli.main"])
def test_the_api_and_the_command_line_load_no_models(module: str) -> None:
    heavy = ["torch", "transformers", "sentence_transformers", "sklearn", "faiss", "workers"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
