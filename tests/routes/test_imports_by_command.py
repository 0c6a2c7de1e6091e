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


def test_customers_of_the_command_line_come_once_and_are_taken_back(owner: Person, tmp_path: Path) -> None:
    content = "name,email,note\nTim,tim@example.com,short\nSue,sue@example.com,\n"
    assert import_by_command(owner, tmp_path / "customers.csv", content).exit_code == 0
    tim, _ = owner.customers()
    owner.api.patch(f"/customers/{tim.public_id}", {"note": "tall"})
    again = import_by_command(owner, tmp_path / "again.csv", content)
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (
        0,
        "Already imported before, left as they are: 2 rows.",
    )
    assert [one.note for one in owner.customers()] == ["tall", None]
    page = owner.browser.get(owner.browser.get("/imports").link("customers.csv"))
    assert page.submit("form[action$='/undo']").message.startswith("Taken back: 2 customers.")
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}]  # whom somebody edited


def test_a_file_that_is_under_way_in_the_browser_is_left_to_it(owner: Person, tmp_path: Path) -> None:
    import_id = bring(owner)
    with owner.app.app_context():
        assert begin(owner, import_id, TIM)
    [line] = import_by_command(owner, tmp_path / "tim.csv").stderr.splitlines()
    assert line == "Error: This file is being imported in a browser. Try again when that is done"
