"""Ids as the outside sees them: TypeIDs."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import public_id
from models.columns import new_id
from models.public_id import CUSTOMER, PURCHASE, decode, encode, encode_text

# From valid.json of the specification: https://github.com/jetify-com/typeid/tree/main/spec
OF_THE_SPECIFICATION = [
    ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]


@pytest.mark.parametrize(("suffix", "id"), OF_THE_SPECIFICATION)
def test_the_examples_of_the_specification(suffix: str, id: str) -> None:
    assert encode(CUSTOMER, UUID(id)) == f"cus_{suffix}"
    assert decode(CUSTOMER, f"cus_{suffix}") == UUID(id)


@given(st.uuids(), st.sampled_from([CUSTOMER, PURCHASE]))
def test_every_id_comes_back(id: UUID, prefix: str) -> None:
    assert decode(prefix, encode(prefix, id)) == id
    assert encode_text(prefix, str(id)) == encode_text(prefix, id.hex) == encode(prefix, id)


@given(st.uuids(), st.uuids())
def test_the_order_of_ids_is_that_of_their_texts(one: UUID, other: UUID) -> None:
    assert (one < other) == (encode(CUSTOMER, one) < encode(CUSTOMER, other))


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [encode(PURCHASE, new_id()) for _ in range(1000)]
    assert made == sorted(set(made))


@given(st.text(alphabet="cus_pr0123456789abcxyzilou", max_size=31) | st.text())
def test_only_canonical_text_is_read(text: str) -> None:
    try:
        found = decode(CUSTOMER, text)
    except ValueError:
        return
    assert encode(CUSTOMER, found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cus",
        "cus_",
        "_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "pur_01h455vb4pex5vsknk084sn02q",
        "CUS_01h455vb4pex5vsknk084sn02q",
        "cus_01H455VB4PEX5VSKNK084SN02Q",
        "cus_01h455vb4pex5vsknk084sn02",
        "cus_01h455vb4pex5vsknk084sn02qq",
        "cus_81h455vb4pex5vsknk084sn02q",
        "cus_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        *(f"cus_01h455vb4pex5vsknk084sn02{letter}" for letter in "ilou-_ '٣"),
        "cus__01h455vb4pex5vsknk084sn02",
        "cus-01h455vb4pex5vsknk084sn02q",
        " cus_01h455vb4pex5vsknk084sn02q",
        "cus_01h455vb4pex5vsknk084sn02q\n",
        "cus_01h455vb4pex5vsknk084sn02\x00",
        "cus_\ud800",
        "cus_01890a5d-ac96-774b-bcce-b302099a8057",
        "cus_" + "0" * 64_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Not an id that starts with cus_"):
        public_id.decode(CUSTOMER, text)
