"""Amounts as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Purchase
from schemas.currencies import currencies, decimals, sign_of
from schemas.money import Money
from schemas.problems import Refused, ShopRules, judge
from schemas.purchase import PurchaseDetails, nested
from tests.cast import purchase_values

NOT_A_NUMBER = ("not_an_amount", "Amount must be a number, like 15.50")


def paid(shop_currency: str, amount: object, **changes: str) -> Money | None:
    rules = ShopRules(shop_currency, "US", date(2026, 11, 21))
    return judge(PurchaseDetails, nested(purchase_values(**changes)) | {"amount": amount}, rules).paid


def refusal(shop_currency: str, amount: object, **changes: str) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        paid(shop_currency, amount, **changes)
    [problem] = refused.value.problems
    assert problem.path == ("amount",)
    return problem.code, problem.message


@pytest.mark.parametrize(
    ("shop_currency", "typed", "minor", "currency"),
    [
        ("USD", "15.50", 1550, "USD"),
        ("USD", "15.5", 1550, "USD"),
        ("USD", "15", 1500, "USD"),
        ("USD", "0", 0, "USD"),
        ("USD", "0.00", 0, "USD"),
        ("USD", ".5", 50, "USD"),
        ("USD", "15.", 1500, "USD"),
        ("USD", "00015.50", 1550, "USD"),
        ("USD", "  15.50\t\n", 1550, "USD"),
        ("USD", "0" * 400 + "15.50", 1550, "USD"),
        # thousands
        ("USD", "1,299", 129900, "USD"),
        ("USD", "1,234,567.89", 123456789, "USD"),
        ("USD", "1 299.50", 129950, "USD"),
        ("USD", "1\u00a0299.50", 129950, "USD"),
        ("USD", "1\u2009299", 129900, "USD"),
        ("USD", "1\u202f299", 129900, "USD"),
        ("USD", "1'299.50", 129950, "USD"),
        ("USD", "1’299.50", 129950, "USD"),
        # the shop's own sign and code, before and after
        ("USD", "$15.50", 1550, "USD"),
        ("USD", "$ 15.50", 1550, "USD"),
        ("USD", "15.50$", 1550, "USD"),
        ("USD", "US$15.50", 1550, "USD"),
        ("USD", "USD 15.50", 1550, "USD"),
        ("USD", "15.50 usd", 1550, "USD"),
        ("USD", "$15.50 USD", 1550, "USD"),
        ("USD", "$15.50.", 1550, "USD"),
        ("CAD", "$15.50", 1550, "CAD"),
        ("CAD", "CA$15.50", 1550, "CAD"),
        ("GBP", "£15.50", 1550, "GBP"),
        ("EUR", "15.50 €", 1550, "EUR"),
        ("CNY", "¥15", 1500, "CNY"),
        # another currency, named
        ("USD", "12 EUR", 1200, "EUR"),
        ("USD", "€12", 1200, "EUR"),
        ("USD", "€12 EUR", 1200, "EUR"),
        ("USD", "CA$5", 500, "CAD"),
        ("CAD", "US$5", 500, "USD"),
        ("EUR", "US$5", 500, "USD"),
        ("USD", "1,500 JPY", 1500, "JPY"),
        ("USD", "KWD 1.299", 1299, "KWD"),
        # other numbers of decimals
        ("JPY", "¥1,500", 1500, "JPY"),
        ("JPY", "1500.", 1500, "JPY"),
        ("KWD", "1.5", 1500, "KWD"),
        ("KWD", "1,299.000", 1299000, "KWD"),
        ("KWD", "1,299,000", 1299000000, "KWD"),
        ("KWD", "1 299", 1299000, "KWD"),
        # the most
        ("USD", "9,999,999,999.99", Purchase.AMOUNT_MAX, "USD"),
        ("JPY", "999999999999", Purchase.AMOUNT_MAX, "JPY"),
        ("KWD", "999,999,999.999", Purchase.AMOUNT_MAX, "KWD"),
    ],
)
def test_amounts_are_read_as_people_write_them(shop_currency: str, typed: str, minor: int, currency: str) -> None:
    assert paid(shop_currency, typed) == Money(minor, currency)


@pytest.mark.parametrize("blank", [None, "", " ", "\t\n", "\u00a0"])
def test_a_blank_amount_is_none_and_not_nought(blank: str | None) -> None:
    assert paid("USD", blank) is None


def test_every_currency_is_known_by_its_code_and_keeps_its_decimals() -> None:
    for currency in currencies():
        twelve = Money(12 * 10 ** decimals(currency), currency)
        assert paid("USD", f"12 {currency}") == twelve
        assert paid("USD", f"{currency.lower()} 12") == twelve
        assert paid("USD", "12", currency=currency) == twelve


@pytest.mark.parametrize("sign", ["A$", "CA$", "US$", "HK$", "NT$", "R$", "€", "£", "₹", "₪", "Cg."])
def test_a_sign_that_only_one_currency_has_means_it_in_every_shop(sign: str) -> None:
    [meant] = [currency for currency in currencies() if sign in (sign_of(currency), currency[:2] + sign_of(currency))]
    for shop_currency in currencies():
        assert paid(shop_currency, f"{sign}12") == Money(1200, meant), shop_currency


@pytest.mark.parametrize(
    ("shop_currency", "typed", "code", "message"),
    [
        ("USD", "15.505", "too_many_decimals", "Amount must have at most 2 decimals, because it is in USD"),
        ("USD", "0.000", "too_many_decimals", "Amount must have at most 2 decimals, because it is in USD"),
        ("KWD", "1.2995", "too_many_decimals", "Amount must have at most 3 decimals, because it is in KWD"),
        ("JPY", "500.0", "too_many_decimals", "Amount must have no decimals, because it is in JPY"),
        ("USD", "1.5 JPY", "too_many_decimals", "Amount must have no decimals, because it is in JPY"),
        ("USD", "-5", "negative", "Amount must be 0 or more"),
        ("USD", "−5", "negative", "Amount must be 0 or more"),
        ("USD", "- .5", "negative", "Amount must be 0 or more"),
        ("USD", "10000000000", "too_large", "Amount must be at most 9,999,999,999.99 USD"),
        ("USD", "9" * 400, "too_large", "Amount must be at most 9,999,999,999.99 USD"),
        ("USD", "1" + ",000" * 100, "too_large", "Amount must be at most 9,999,999,999.99 USD"),
        ("JPY", "1000000000000", "too_large", "Amount must be at most 999,999,999,999 JPY"),
        ("KWD", "1000000000", "too_large", "Amount must be at most 999,999,999.999 KWD"),
        (
            "USD",
            "15,50",
            "amount_ambiguous",
            "“15,50” can be read in two ways. Write it with a point, like 15.50",
        ),
        (
            "USD",
            "1.299,00",
            "amount_ambiguous",
            "“1.299,00” can be read in two ways. Write it with a point, like 1299.00",
        ),
        ("USD", "€15,5", "amount_ambiguous", "“15,5” can be read in two ways. Write it with a point, like 15.5"),
        ("KWD", "1,299", "amount_ambiguous", "“1,299” can be read in two ways. Write it with a point, like 1.299"),
        (
            "USD",
            "KWD 1,299",
            "amount_ambiguous",
            "“1,299” can be read in two ways. Write it with a point, like 1.299",
        ),
        (
            "EUR",
            "$5",
            "currency_ambiguous",
            "“$” is used by several currencies. Write the code, like 15.50 USD",
        ),
        ("USD", "¥5", "currency_ambiguous", "“¥” is used by several currencies. Write the code, like 15.50 JPY"),
        ("USD", "$15 EUR", "other_currency", "Amount is in USD. Write it without “EUR”"),
        ("USD", "€15 GBP", "other_currency", "Amount is in EUR. Write it without “GBP”"),
    ],
)
def test_what_can_be_mended_is_refused_with_the_way_to_mend_it(
    shop_currency: str, typed: str, code: str, message: str
) -> None:
    assert refusal(shop_currency, typed) == (code, message)


@pytest.mark.parametrize(
    "typed",
    [
        *("abc", "-", "$", ".", ",", "'", "--5", "+5", "5-", "5,-", "5.-", "5%", "(5)", "$$5", "$-5", "5'", "'"),
        *("1e5", "0x10", "NaN", "inf", "Infinity", "1_000", "½", "²", "٣", "１２", "五", "5.5.5", "1.000.000", "1..5"),
        *("1 2", "12 34", "1,000 000", "1 000,000.00", "1\n000", "1,299,", "15.50 for 2", "5 each", "2 x 5", "5/2"),
        *("DEM 5", "XXX 5", "5 dollars", "₿5", "¢50", "5 \ud800", "5\x00", "\x005", "\u200b5", "5\u200b", "9" * 501),
        *("=5", "=1+1", "<b>5</b>", "5;6", "5 USD USD EUR"),
    ],
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    assert refusal("USD", typed) == NOT_A_NUMBER


@pytest.mark.parametrize("value", [15.5, 15, 0, -1, True, False, float("nan"), ["15.50"], {"minor": 1550}, b"15.50"])
def test_an_amount_that_is_no_text_is_refused(value: object) -> None:
    assert refusal("USD", value) == ("not_text", "Amount must be text, like 15.50")


@pytest.mark.parametrize(
    ("typed", "sign"), [("€15", "€"), ("15 EUR", "EUR"), ("CA$15", "CA$"), ("£15", "£"), ("A$15", "A$")]
)
def test_a_currency_field_and_another_sign_in_the_amount_are_not_reconciled(typed: str, sign: str) -> None:
    assert refusal("EUR", typed, currency="USD") == ("other_currency", f"Amount is in USD. Write it without “{sign}”")


def test_a_currency_field_goes_before_the_currency_of_the_shop() -> None:
    assert paid("EUR", "$15", currency="usd") == Money(1500, "USD")


@pytest.mark.parametrize(
    ("shop_currency", "typed"),
    [
        ("USD", "15,50"),
        ("USD", "1.299,00"),
        ("USD", "1,2999"),
        ("USD", "12,34,567"),
        ("USD", "1,,299"),
        ("INR", "1,00,000"),
        ("KWD", "1,299"),
    ],
)
def test_the_way_out_of_an_ambiguous_amount_is_open(shop_currency: str, typed: str) -> None:
    code, message = refusal(shop_currency, typed)
    suggestion = message.rpartition("like ")[2]
    assert code in ("amount_ambiguous", "not_an_amount")
    assert paid(shop_currency, suggestion) is not None, message


@st.composite
def written_amounts(draw: st.DrawFn) -> tuple[Money, str]:
    """Money, and one of the ways to write it."""
    currency, signs = draw(
        st.sampled_from([("USD", ["$", "US$", "USD", "usd"]), ("JPY", ["¥", "JPY"]), ("KWD", ["KWD", "kwd"])])
    )
    money = Money(draw(st.integers(0, Purchase.AMOUNT_MAX)), currency)
    number = f"{money.decimal:,}".replace(",", draw(st.sampled_from(["", ",", " ", "'", "’", "\u00a0", "\u202f"])))
    sign, space = draw(st.sampled_from(["", *signs])), draw(st.sampled_from(["", " ", "\u00a0"]))
    return money, draw(st.sampled_from([f"{sign}{space}{number}", f"{number}{space}{sign}"]))


@given(written_amounts())
def test_an_amount_comes_back_however_it_is_written(written: tuple[Money, str]) -> None:
    money, text = written
    assert paid(money.currency, text) == money


@given(st.text(alphabet="0123456789.,'’ $€¥-+\u00a0USDEKW", max_size=20), st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_read_is_within_the_limits_and_never_a_float(text: str, shop_currency: str) -> None:
    try:
        money = paid(shop_currency, text)
    except Refused:
        return
    if money is None:
        assert not text.strip()
        return
    assert type(money.minor) is int
    assert 0 <= money.minor <= Purchase.AMOUNT_MAX
    assert f"{money.minor}".strip("0") in "".join(digit for digit in text if digit.isdigit())
