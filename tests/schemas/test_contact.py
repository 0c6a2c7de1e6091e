"""What a customer is known by: as it is shown, and as it is compared."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.contact import Known, normal_form, read_line
from schemas.problems import Refused, ShopRules, judge
from schemas.purchase import Buyer

NOT_AN_EMAIL = ("not_an_email", "Enter an e-mail address like name@example.com")
NOT_A_PHONE = ("not_a_phone", "Enter a phone number with its area code, like 020 7946 0018 or +44 20 7946 0018")
NOT_A_NAME = ("not_a_name", "Customer name must have a letter or a number in it")
EXTENSION = ("phone_extension", "Enter the phone number without its extension")


def known(field: str, value: object, country: str = "US") -> Known | None:
    other = "name" if field == "reference" else "reference"
    buyer = judge(Buyer, {field: value, other: "1"}, ShopRules("USD", country, date(2026, 11, 21)))
    return buyer.given.get(field)


def refusal(field: str, value: object, country: str = "US") -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        known(field, value, country)
    [problem] = refused.value.problems
    assert problem.path == (field,)
    return problem.code, problem.message


@pytest.mark.parametrize("field", ["name", "email", "phone", "reference"])
@pytest.mark.parametrize("blank", [None, "", " ", "\t\n", "\u200b", "\u00a0"])
def test_what_is_blank_is_not_given(field: str, blank: str | None) -> None:
    assert known(field, blank) is None


@pytest.mark.parametrize(
    ("typed", "shown", "normal"),
    [
        ("Tim", "Tim", "tim"),
        ("  Tim \t O'Neil ", "Tim O'Neil", "tim o'neil"),
        ("TIM O'NEIL", "TIM O'NEIL", "tim o'neil"),
        ("Tim\nJones", "Tim Jones", "tim jones"),
        ("José", "José", "josé"),
        ("Jose\u0301", "José", "josé"),
        ("STRASSE", "STRASSE", "strasse"),
        ("Straße", "Straße", "strasse"),
        ("ﬁona", "ﬁona", "fiona"),
        ("Ｔｉｍ", "Ｔｉｍ", "tim"),
        ("Ti\u200bm", "Ti\u200bm", "tim"),
        ("Ti\u00adm", "Ti\u00adm", "tim"),
        ("Tim\u00a0Jones", "Tim Jones", "tim jones"),
        ("ΣΊΣΥΦΟΣ", "ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("Σίσυφος", "Σίσυφος", "σίσυφοσ"),
        ("李小龍", "李小龍", "李小龍"),
        ("3M", "3M", "3m"),
        ("7", "7", "7"),
        ("🎉", "🎉", "🎉"),
        ("=cmd()", "=cmd()", "=cmd()"),
        ("null", "null", "null"),
        ("<b>Tim</b>", "<b>Tim</b>", "<b>tim</b>"),
        ("x" * 200, "x" * 200, "x" * 200),
        ("ﬃ" * 133, "ﬃ" * 133, "ffi" * 133),
    ],
)
def test_names(typed: str, shown: str, normal: str) -> None:
    assert known("name", typed) == (shown, normal)


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        *((typed, NOT_A_NAME) for typed in ("...", "-", "?", "'", "( )", "@", "—", "\u0301", "\u200b.\u200b")),
        ("x" * 201, ("too_long", "Customer name must be 200 characters or fewer")),
        ("ﷺ" * 200, ("too_long", "Customer name must be 200 characters or fewer")),
        ("Tim\x00", ("control_character", "Customer name has a control character. Type it again")),
        ("\x1b[31mTim", ("control_character", "Customer name has a control character. Type it again")),
        ("T\ufffdm", ("unreadable_character", "Customer name has a character that could not be read. Type it again")),
        ("T\udfffmm", ("unreadable_character", "Customer name has a character that could not be read. Type it again")),
        (5, ("not_text", "Customer name must be text")),
        (["Tim"], ("not_text", "Customer name must be text")),
        ({"first": "Tim"}, ("not_text", "Customer name must be text")),
        (True, ("not_text", "Customer name must be text")),
    ],
)
def test_names_that_are_refused(typed: object, refused: tuple[str, str]) -> None:
    assert refusal("name", typed) == refused


@pytest.mark.parametrize(
    ("typed", "shown", "normal"),
    [
        ("tim@example.com", "tim@example.com", "tim@example.com"),
        ("  Tim@Example.COM\n", "Tim@Example.COM", "tim@example.com"),
        ("tim+books@example.com", "tim+books@example.com", "tim+books@example.com"),
        ("t.i.m@example.com", "t.i.m@example.com", "t.i.m@example.com"),
        ("o'neil@example.com", "o'neil@example.com", "o'neil@example.com"),
        ("jörg@example.com", "jörg@example.com", "jörg@example.com"),
        ("jo\u0308rg@example.com", "jörg@example.com", "jörg@example.com"),
        ("JÖRG@EXAMPLE.COM", "JÖRG@EXAMPLE.COM", "jörg@example.com"),
        ("straße@example.com", "straße@example.com", "strasse@example.com"),
        ("tim@bücher.example.de", "tim@bücher.example.de", "tim@bücher.example.de"),
        ("tim@xn--bcher-kva.de", "tim@xn--bcher-kva.de", "tim@bücher.de"),
        ("tim@mail.example.co.uk", "tim@mail.example.co.uk", "tim@mail.example.co.uk"),
    ],
)
def test_email_addresses(typed: str, shown: str, normal: str) -> None:
    assert known("email", typed) == (shown, normal)


@pytest.mark.parametrize(
    "typed",
    [
        *("tim", "tim@", "@example.com", "@", "tim@localhost", "tim@example", "tim@@example.com", "tim@example..com"),
        *(".tim@example.com", "tim.@example.com", "t..im@example.com", "tim @example.com", "tim@ example.com"),
        *("tim@example.com.", "tim@-example.com", "tim@[127.0.0.1]", "tim@127.0.0.1", '"tim"@example.com'),
        *("Tim <tim@example.com>", "tim@example.com, sue@example.com", "tim@example.com;", "mailto:tim@example.com"),
        *("tim@x.invalid", "tim@x.test", "tim@x.localhost", "tim@ex_ample.com", "ti\u200bm@example.com", "a,b@x.com"),
        *(
            "tim(a)@example.com",
            "tim@example.com?subject=x",
            "tim@exam\u00adple\u200b.com",
            "x" * 200,
            "tim＠example.com",
        ),
    ],
)
def test_what_is_no_email_address_is_refused(typed: str) -> None:
    assert refusal("email", typed) == NOT_AN_EMAIL


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ("x" * 243 + "@example.com", ("too_long", "E-mail address must be 254 characters or fewer")),
        ("tim@exam\x00ple.com", ("control_character", "E-mail address has a control character. Type it again")),
        (
            "tim@exam\ud800ple.com",
            ("unreadable_character", "E-mail address has a character that could not be read. Type it again"),
        ),
        (5, ("not_text", "E-mail address must be text")),
    ],
)
def test_email_addresses_that_cannot_be_kept(typed: object, refused: tuple[str, str]) -> None:
    assert refusal("email", typed) == refused


@pytest.mark.parametrize(
    ("typed", "country", "normal"),
    [
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 (0)20 7946 0018", "GB", "+442079460018"),
        ("0044 20 7946 0018", "GB", "+442079460018"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("212.555.0123", "US", "+12125550123"),
        ("2125550123", "US", "+12125550123"),
        ("1 212 555 0123", "US", "+12125550123"),
        ("tel:+12125550123", "GB", "+12125550123"),
        ("06-12345678", "NL", "+31612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("２１２ ５５５ ０１２３", "US", "+12125550123"),
    ],
)
def test_phone_numbers(typed: str, country: str, normal: str) -> None:
    assert known("phone", typed, country) == (typed, normal)


def test_the_direction_marks_of_an_address_book_are_taken_off() -> None:
    assert known("phone", "\u202a+1 212 555 0123\u202c") == ("+1 212 555 0123", "+12125550123")


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        *((typed, NOT_A_PHONE) for typed in ("5550123", "555", "911", "0", "+", "-", "Tim", "tim@example.com")),
        *((typed, NOT_A_PHONE) for typed in ("+1 212 555 01234", "+999 123456", "0" * 64, "+" * 64, "( )", "<>")),
        *(
            (typed, EXTENSION)
            for typed in ("+1 212 555 0123 ext 5", "2125550123x5", "2125550123;ext=5", "2125550123#5")
        ),
        ("1" * 65, ("too_long", "Phone number must be 64 characters or fewer")),
        ("212 555 0123\x00", ("control_character", "Phone number has a control character. Type it again")),
        (
            "212 555 0123\ufffd",
            ("unreadable_character", "Phone number has a character that could not be read. Type it again"),
        ),
        (2125550123, ("not_text", "Phone number must be text")),
    ],
)
def test_phone_numbers_that_are_refused(typed: object, refused: tuple[str, str]) -> None:
    assert refusal("phone", typed) == refused


@pytest.mark.parametrize(
    ("typed", "kept"), [("A-1", "A-1"), ("a-1", "a-1"), ("0001", "0001"), (" 1  2 ", "1 2"), ("x" * 100, "x" * 100)]
)
def test_customer_numbers_keep_their_case_and_noughts(typed: str, kept: str) -> None:
    assert known("reference", typed) == (kept, kept)


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ("x" * 101, ("too_long", "Customer number must be 100 characters or fewer")),
        ("a\u200bb", ("invisible_character", "Customer number has an invisible character. Type it again")),
        ("\ufeff1", ("invisible_character", "Customer number has an invisible character. Type it again")),
        ("1\x00", ("control_character", "Customer number has a control character. Type it again")),
        (1, ("not_text", "Customer number must be text")),
    ],
)
def test_customer_numbers_that_are_refused(typed: object, refused: tuple[str, str]) -> None:
    assert refusal("reference", typed) == refused


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("Tim", {"name": "Tim"}),
        ("  Tim  ", {"name": "Tim"}),
        ("3M", {"name": "3M"}),
        ("1234", {"name": "1234"}),
        ("Tim (2)", {"name": "Tim (2)"}),
        ("Tim (Bob)", {"name": "Tim (Bob)"}),
        ("tim@example.com", {"email": "tim@example.com"}),
        ("Tim <tim@example.com>", {"name": "Tim", "email": "tim@example.com"}),
        ("Tim<tim@example.com>", {"name": "Tim", "email": "tim@example.com"}),
        ("Tim O'Neil\t<tim@example.com>", {"name": "Tim O'Neil", "email": "tim@example.com"}),
        ("<tim@example.com>", {"name": "", "email": "tim@example.com"}),
        ("Tim <nonsense>", {"name": "Tim", "email": "nonsense"}),
        ("Tim <>", {"name": "Tim", "email": ""}),
        ("Tim <07700 900123>", {"name": "Tim", "phone": "07700 900123"}),
        ("Tim (+44 7700 900123)", {"name": "Tim", "phone": "+44 7700 900123"}),
        ("07700 900123", {"phone": "07700 900123"}),
        ("+44 7700 900123", {"phone": "+44 7700 900123"}),
        ("(212) 555-0123", {"phone": "(212) 555-0123"}),
        ("Tim (Bob) <tim@example.com>", {"name": "Tim (Bob)", "email": "tim@example.com"}),
        ("", {"name": ""}),
        ("x" * 5000, {"name": "x" * 5000}),
    ],
)
def test_one_line_says_who_it_is(line: str, parts: dict[str, str]) -> None:
    assert read_line(line) == parts


def is_settled(field: str, typed: str) -> bool:
    """Whether what is compared, judged again, is the same."""
    try:
        found = known(field, typed)
        return found is None or normal_form(field, found.normal, "US") == found.normal
    except Refused:
        return True


@given(
    st.emails() | st.builds("{}@example.com".format, st.text(st.characters(categories=["L", "M", "N"]), max_size=20))
)
def test_the_normal_form_of_an_address_is_its_own_normal_form(typed: str) -> None:
    assert is_settled("email", typed)


@given(st.text("+0123456789 ()-.", max_size=20))
def test_the_normal_form_of_a_phone_number_is_its_own_normal_form(typed: str) -> None:
    assert is_settled("phone", typed)


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=20))
@example("ǰ")
@example("ﬀ")
def test_case_does_not_tell_names_apart(name: str) -> None:
    capital, small = known("name", name.upper()), known("name", name.upper().lower())
    assert capital is not None
    assert small is not None
    assert capital.normal == small.normal
