"""The commands of README.md that are marked to be run work as printed."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.installed import COMMAND, Home

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"<!-- run -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_the_rest_lines_work_from_up_to_down(home: Home, tmp_path: Path) -> None:
    assert len(BLOCKS) == 1
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    script = BLOCKS[0].replace("127.0.0.1:8000", f"127.0.0.1:{port}")  # 8000 may be taken here
    environment = home.environment | {
        "PREFSIFT_PORT": port, "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=environment, cwd=tmp_path,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"state":"succeeded"') == 4, done.stdout
    assert "'low'" in done.stdout
    assert "manifest.json" in done.stdout
    assert "stopped" in done.stdout
    assert home.prefsift("verify", tmp_path / "curated").code == 0
