"""docker-compose.yml and the Dockerfile say only what the code knows, and hold no secret."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from service.cli.main import build
from service.config import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = {name: each for name, each in COMPOSE["services"].items() if "build" in each}


def test_the_file_follows_the_compose_specification() -> None:
    command = [
        Path(sys.executable).with_name("check-jsonschema"),
        "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    command: list[str] = OURS[name]["command"]
    if command[0] == "prefsift":
        group = typer.main.get_command(build(command[1]))
        context = group.make_context("prefsift", [])
        subcommand = group.get_command(context, command[1])  # pyright: ignore[reportAttributeAccessIssue]
        subcommand.make_context(command[1], command[2:])
    else:
        module = command[2] if command[0] == "python" else command[1].partition(":")[0]
        assert command[0] in ("python", "uvicorn")
        assert importlib.util.find_spec(module), module


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {"DATABASE_URL", "CELERY_BROKER_URL"}
    known |= {f"PREFSIFT_{field.upper()}" for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) <= known


def test_no_password_has_a_default() -> None:
    texts = (ROOT / "docker-compose.yml").read_text() + DOCKERFILE
    references = re.findall(r"\$\{(\w+)(:?[-?])?", texts)
    assert ("POSTGRES_PASSWORD", ":?") in references
    assert all(how == ":?" for name, how in references if "PASSWORD" in name)
    assert COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${")


def test_only_the_api_listens_outside_and_only_on_this_machine() -> None:
    published = {name: each.get("ports", []) for name, each in COMPOSE["services"].items()}
    assert {name for name, ports in published.items() if ports} == {"api"}
    assert all(port.startswith("127.0.0.1:") for port in published["api"])


def test_the_dockerfile_has_the_targets_copies_what_exists_and_installs_known_extras() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.M))
    assert {each["build"]["target"] for each in OURS.values()} <= targets
    copied = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.M)
    assert all((ROOT / source).exists() for line in copied for source in line.split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {each["build"].get("args", {}).get("EXTRA", "cpu") for each in OURS.values()}
    assert extras <= set(project["optional-dependencies"])


def test_the_api_image_installs_no_models() -> None:
    stage = DOCKERFILE.split(" AS api")[1].split("FROM")[0]
    assert re.findall(r"pip install (.*)", stage) == ["-c constraints.txt ."]


def test_constraints_name_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 100
    pin_form = r'[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*(; python_version < "[0-9.]+")?'
    assert [pin for pin in pins if not re.fullmatch(pin_form, pin)] == []
    assert os.fspath(ROOT) not in "".join(lines)
