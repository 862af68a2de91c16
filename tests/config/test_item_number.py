import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue import load_catalogue
from config.item_number import ItemNumber, ItemNumberError


@pytest.mark.parametrize(
    "text", ["", "L", "L0", "p", "1", "1.", ".1", "1.0", "01.1", "1.1 ", "1.1\n", "1,1", "١.١", "1.100"]
)
def test_a_text_of_another_form_is_no_item_number(text: str) -> None:
    with pytest.raises(ItemNumberError):
        ItemNumber.parse(text)


@given(st.text())
def test_whatever_is_taken_is_taken_unchanged(text: str) -> None:
    try:
        number = ItemNumber.parse(text)
    except ItemNumberError:
        return
    assert number == text


def test_sorting_gives_the_order_of_the_catalogue() -> None:
    numbers = [item.number for item in load_catalogue().items]
    shuffled = numbers.copy()
    random.Random(7).shuffle(shuffled)  # noqa: S311  # an order to undo, not a secret
    assert sorted(shuffled) == numbers


def test_ten_follows_nine_and_comparisons_agree() -> None:
    nine, ten = ItemNumber("1.9"), ItemNumber("1.10")
    assert nine < ten
    assert nine <= ten
    assert ten > nine
    assert ten >= nine
    assert ItemNumber("1.9") <= nine
    assert ItemNumber("1.9") >= nine


def test_an_item_number_is_a_text_to_everything_else() -> None:
    assert {"1.1": "found"}[ItemNumber("1.1")] == "found"
    assert f"{ItemNumber('P')}" == "P"
