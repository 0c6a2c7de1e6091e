"""What flask import has brought in stands on the page of imports, and is taken back there."""

from pathlib import Path

from click.testing import Result

from tests.cast import Person
from tests.routes.test_cli import run
from tests.services.test_imports import TIM, begin, bring, counting, listed


def import_by_command(person: Person, path: Path, content: str = TIM) -> Result:
    path.write_bytes(content.encode())
    return run(person.app, "import", str(path), "--user", person.email)


def test_a_file_of_the_command_line_is_taken_back_in_the_browser(owner: Person, tmp_path: Path) -> None:
    assert import_by_command(owner, tmp_path / "tim.csv").exit_code == 0
    page = owner.browser.get("/imports")
    [[name, _, state]] = page.rows("Files brought so far")
    assert (name, state.partition(": ")[2]) == ("tim.csv", "1 purchase")
    page = owner.browser.get(page.link("tim.csv")).submit("form[action$='/undo']")
    assert page.message.startswith("Taken back: 1 purchase.")
    assert counting(owner) == []
    [line] = import_by_command(owner, tmp_path / "tim.csv").stderr.splitlines()
    assert line.startswith("Error: This file was imported and taken back. Open it on the page Import")
    assert page.submit("form[action$='/again']").message.startswith("Imported again: 1 purchase counts")
    assert len(counting(owner)) == 1


def test_a_file_of_the_command_line_can_be_brought_to_the_browser_later(owner: Person, tmp_path: Path) -> None:
    import_by_command(owner, tmp_path / "tim.csv")
    page = owner.browser.get(owner.browser.get("/imports").link("tim.csv"))
    assert "anew" not in page.submit("form[action$='/undo']").soup.get_text()
    page = owner.browser.upload("/imports", "again.csv", TIM.encode())
    assert page.submit("form[action$='/over']").heading == "Match the columns"


def test_customers_of_the_command_line_are_taken_back(owner: Person, tmp_path: Path) -> None:
    content = "name,email\nTim,tim@example.com\n"
    for _ in range(2):
        assert import_by_command(owner, tmp_path / "customers.csv", content).exit_code == 0
    page = owner.browser.get(owner.browser.get("/imports").link("customers.csv"))
    assert page.submit("form[action$='/undo']").message.startswith("Taken back: 1 customer.")
    assert listed(owner) == []


def test_a_file_that_is_under_way_in_the_browser_is_left_to_it(owner: Person, tmp_path: Path) -> None:
    import_id = bring(owner)
    with owner.app.app_context():
        assert begin(owner, import_id, TIM)
    [line] = import_by_command(owner, tmp_path / "tim.csv").stderr.splitlines()
    assert line == "Error: This file is being imported in a browser. Try again when that is done"
