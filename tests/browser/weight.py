"""What a page weighs for who sees it for the first time, and what keeps the browser from painting it."""

from dataclasses import dataclass

from playwright.sync_api import BrowserContext

_BLOCKING = """
performance.getEntriesByType('resource')
  .filter(entry => entry.renderBlockingStatus === 'blocking')
  .map(entry => entry.name)
"""


@dataclass
class Weight:
    files: dict[str, int]
    """Bytes over the wire, compressed and with their headers, by address."""
    blocking: list[str]
    """The addresses that the first paint waits for."""

    @property
    def total(self) -> int:
        return sum(self.files.values())


def weigh(address: str, context: BrowserContext) -> Weight:
    """Of a page that is signed in for, in a browser that has kept nothing of it. `context` is signed in."""
    assert context.browser is not None
    with context.browser.new_context(storage_state=context.storage_state()) as first_visit:
        page = first_visit.new_page()
        addresses, sizes = {}, {}
        watch = first_visit.new_cdp_session(page)
        watch.on(
            "Network.requestWillBeSent", lambda told: addresses.update({told["requestId"]: told["request"]["url"]})
        )
        watch.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
        watch.send("Network.enable")
        page.goto(address, wait_until="networkidle")
        blocking = page.evaluate(_BLOCKING)
    return Weight({addresses[request]: int(size) for request, size in sizes.items()}, blocking)
