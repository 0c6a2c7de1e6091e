import os
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from tests.browser.counter import Counter
from tests.browser.get_browser import installed_browser


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    quiet = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    program = installed_browser()
    return browser_type_launch_args | {"args": quiet + as_root} | ({"executable_path": program} if program else {})


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the app is served, with a thread for each request."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # seconds until it sees that it is to stop
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def counter(page: Page, address: str) -> Counter:
    return Counter(page, address)


@pytest.fixture
def counter_without_script(browser: Browser, address: str) -> Iterator[Counter]:
    context: BrowserContext = browser.new_context(java_script_enabled=False)
    yield Counter(context.new_page(), address)
    context.close()
