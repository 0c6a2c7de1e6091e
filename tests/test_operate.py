"""What docs/operate.md says is so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.settings_table import PAGE, with_table
from tests.server import ROOT


def test_the_settings_are_told_as_they_are() -> None:
    page = PAGE.read_text()
    assert page == with_table(page), "Run .venv/bin/python -m deploy.settings_table"


def test_the_image_holds_all_that_tillbook_is_made_of(tmp_path: Path) -> None:
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line.removeprefix("!")
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / source.name)
    told = {
        "SECRET_KEY": "0123456789abcdef" * 4,
        "DATABASE_URL": f"sqlite:///{tmp_path}/tillbook.db",
        "BASE_URL": "http://localhost",
        "FLASK_APP": "app:create_app",
    }
    for command in (["flask", "db", "upgrade"], ["gunicorn", "--check-config", "app:create_app()"]):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, env=os.environ | told, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
