"""Numbers: one spelling for each, whatever way in."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.values import NUMBER_LIMIT, number_text, parse_number


@given(st.decimals(min_value=-NUMBER_LIMIT + 1, max_value=NUMBER_LIMIT - 1, places=6))
def test_a_number_has_one_spelling_that_is_read_back(number: Decimal) -> None:
    text = number_text(number)
    for raw in (number, text, f"{number:f}", f" {text} ", f"{number:e}"):
        assert number_text(parse_number(raw)) == text
        assert str(parse_number(raw)) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.10", "0.1"),
        ("1e3", "1000"),
        ("+5", "5"),
        ("007", "7"),
        (0.1, "0.1"),
        (-3, "-3"),
    ],
)
def test_other_spellings_are_brought_into_the_one(raw: object, text: str) -> None:
    assert str(parse_number(raw)) == text


@pytest.mark.parametrize("raw", ["1\n", "1" * 16, "0.0000001", "--1", "1.", "\n1x", "0x10"])
def test_what_only_resembles_a_number_is_not_taken_as_it_stands(raw: str) -> None:
    with suppress(ValueError):
        assert str(parse_number(raw)) == raw.strip().rstrip(".")


@given(st.decimals(min_value=-NUMBER_LIMIT + 1, max_value=NUMBER_LIMIT - 1, places=6))
def test_no_number_is_taken_for_another_because_it_came_as_a_float(number: Decimal) -> None:
    with suppress(ValueError):
        assert parse_number(float(number)) == number


@pytest.mark.parametrize("raw", [123456789012345.123456, 8589934592.0, -1e12, 100000000000000.000001])
def test_a_float_that_may_have_lost_digits_is_refused(raw: float) -> None:
    with pytest.raises(ValueError, match="between quotation marks"):
        parse_number(raw)


@pytest.mark.parametrize(
    ("raw", "text"), [(8589934591.999999, "8589934591.999999"), (10**14, "1" + "0" * 14)]
)
def test_what_is_exact_is_taken_however_large(raw: float, text: str) -> None:
    assert str(parse_number(raw)) == text
