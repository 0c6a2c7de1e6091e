"""Finds a Chromium for the tests, or brings one: an installed one, Playwright's download, Debian's package."""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def installed_browser() -> str | None:
    """The program of a Chromium or Chrome on this machine; None leaves Playwright its own."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or (_MAC if os.access(_MAC, os.X_OK) else None)


def main() -> None:
    if installed_browser() or _has_playwrights_own() or _downloaded() or _installed_by_apt():
        return
    sys.exit("The tests need Chromium or Chrome. Install one, then run make test again.")


def _has_playwrights_own() -> bool:
    with sync_playwright() as playwright:
        return os.access(playwright.chromium.executable_path, os.X_OK)


def _downloaded() -> bool:
    print("No Chromium found: trying Playwright's download.", flush=True)
    try:
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        return subprocess.run(command, timeout=300, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _installed_by_apt() -> bool:
    if shutil.which("apt-get") is None:
        return False
    print("No download either: trying Debian's package.", flush=True)
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run([*as_root, "apt-get", *step], check=False)
    return installed_browser() is not None


if __name__ == "__main__":
    main()
