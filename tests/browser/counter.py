"""A person at the counter: what they do with their hands, what they see."""

from dataclasses import dataclass

from playwright.sync_api import Page

from tests.cast import PASSWORD, Person


@dataclass
class Counter:
    page: Page
    address: str

    def register(self, email: str = "owner@example.com") -> None:
        self.go("/register")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_label("Name of your shop").fill("Corner shop")
        self.press_enter()

    def sign_in(self, email: str = "owner@example.com") -> None:
        self.go("/login")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.press_enter()

    def enter(self, person: Person) -> None:
        """Is signed in, without the forms, and comes to record."""
        self.page.context.add_cookies([{"name": "tillbook", "value": person.browser.cookie, "url": self.address}])
        self.go("/purchases/new")

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def record(self, customer: str, item: str, **fields: str) -> str:
        """Types a purchase, presses Enter, and reads what the page says."""
        self.page.get_by_label("Customer", exact=True).fill(customer)
        self.page.get_by_label("Item").fill(item)
        for label, value in fields.items():
            self.page.get_by_label(label).fill(value)
        self.press_enter()
        return self.message

    def press_enter(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def click(self, button: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button).click()

    def wait_for_focus(self, field: str) -> None:
        """The browser gives the focus in its own time after the page is there."""
        self.page.wait_for_function(f"document.activeElement.id === '{field}'")

    @property
    def message(self) -> str:
        return self.page.get_by_role("status").inner_text()

    def column(self, path: str, name: str) -> list[str]:
        """The cells of a column of the table on a page."""
        self.go(path)
        return self.page.locator(f"tbody [data-column={name}]").all_inner_texts()
