"""Finds nginx and Redis for the tests of the whole, or brings them: installed ones, Debian's packages."""

import os
import shutil
import subprocess
import sys

PROGRAMS = {"nginx": "nginx", "redis-server": "redis-server"}
"""The package of each."""
_ALSO_AT = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"))


def installed(name: str) -> str | None:
    """The path of a program; Debian keeps servers where only root looks."""
    return shutil.which(name) or shutil.which(name, path=_ALSO_AT)


def main() -> None:
    missing = [package for name, package in PROGRAMS.items() if not installed(name)]
    if missing and shutil.which("apt-get"):
        _install_by_apt(missing)
    if still_missing := [name for name in PROGRAMS if not installed(name)]:
        sys.exit(f"The tests need {' and '.join(still_missing)}. Install what is missing, then run make test again.")


def _install_by_apt(packages: list[str]) -> None:
    print(f"Installing {' and '.join(packages)} from Debian's packages.", flush=True)
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run([*as_root, "apt-get", *step], check=False)


if __name__ == "__main__":
    main()
