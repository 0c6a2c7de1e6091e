"""What Tillbook is made of is pinned to the byte, and `make check` looks for holes and for secrets."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import ROOT

PINNED = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[\w.+!]+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")
CODE = ("models", "schemas", "services", "forms", "routes", "examples", "deploy")
KEY = "-----BEGIN " + "PRIVATE KEY-----\n"
PASSWORD = 'password = "Tr0ub4dor-and-3"\n'


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned_to_what_was_looked_at(file: str) -> None:
    lines = re.sub(r"#.*", "", (ROOT / file).read_text()).replace("\\\n", " ").splitlines()
    pinned = [" ".join(line.split()) for line in lines if line.strip()]
    assert len(pinned) > 20
    assert [line for line in pinned if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("file", ["Makefile", "Dockerfile"])
def test_nothing_is_installed_that_is_not_pinned(file: str) -> None:
    installs = [line for line in (ROOT / file).read_text().splitlines() if "pip install" in line]
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder like this one, in which nothing is wrong yet."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("app.py", *(f"{folder}/__init__.py" for folder in (*CODE, "tests"))):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def told(copy: Path, tool: str) -> str:
    """What all that `make check` asks this tool says of the copy; nothing where it passes."""
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    make = ["make", "--dry-run", "--always-make", "check", f"BIN={Path(sys.executable).parent}"]
    lines = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    commands = [line for line in lines.replace("\\\n", " ").splitlines() if f"/{tool} " in line]
    assert commands
    done = [
        subprocess.run(line, shell=True, cwd=copy, check=False, capture_output=True, text=True) for line in commands
    ]
    return "".join(one.stdout + one.stderr for one in done if one.returncode)


def test_a_hole_is_found_wherever_code_runs(copy: Path) -> None:
    assert told(copy, "bandit") == ""
    files = ["app.py", *(f"{folder}/__init__.py" for folder in CODE)]
    for name in files:
        (copy / name).write_text("import pickle\n\npickle.loads(input().encode())\n")
    found = told(copy, "bandit")
    assert [name for name in files if name not in found] == []


def test_a_secret_is_found_in_whatever_is_kept(copy: Path) -> None:
    assert told(copy, "detect-secrets-hook") == ""
    secrets = {"app.py": PASSWORD, "deploy/key.pem": KEY, "tests/__init__.py": KEY, "docs.md": PASSWORD}
    for name, secret in secrets.items():
        (copy / name).write_text(secret)
    found = told(copy, "detect-secrets-hook")
    assert [name for name in secrets if f"{name}:" not in found] == []
