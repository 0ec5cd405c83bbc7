from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2hw.errors import TextError, WidthError
from snn2hw.num import Format, Interval
from snn2hw.num.format import MAX_WIDTH

FORMATS = st.builds(Format, st.integers(1, MAX_WIDTH), st.integers(-40, 80), st.booleans())


@given(FORMATS)
def test_printed_format_parses_back(fmt: Format) -> None:
    assert Format.parse(str(fmt)) == fmt


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("s16.12", Format(16, 12, True)),
        ("u8.0", Format(8, 0, False)),
        ("s4.-3", Format(4, -3, True)),
        ("u1.7", Format(1, 7, False)),
    ],
)
def test_text_of_a_format(text: str, fmt: Format) -> None:
    assert str(fmt) == text
    assert Format.parse(text) == fmt


@pytest.mark.parametrize(
    "text", ["", "s16", "16.12", "i16.12", "s16.12 ", " s16.12", "s16.12.1", "s-16.12", "s16.+2", "sx.1", "S16.12", "s16,12"]
)
def test_text_that_is_no_format(text: str) -> None:
    with pytest.raises(TextError) as error:
        Format.parse(text)
    assert str(error.value) == f"this is not a fixed-point format\n  got:      {text!r}\n  expected: like s16.12 or u8.0"


@pytest.mark.parametrize("width", [-1, 0, 63, 64, 1000])
def test_width_out_of_range(width: int) -> None:
    with pytest.raises(WidthError) as error:
        Format(width, 0)
    assert str(error.value) == (
        "a fixed-point format is too narrow or too wide\n"
        f"  got:      {width} bits\n"
        "  expected: 1 to 62 bits\n"
        "  do:       choose fewer state or coefficient bits, or a smaller state range"
    )


def test_a_format_is_signed_unless_told() -> None:
    assert Format(8, 3) == Format(8, 3, True) != Format(8, 3, False)


@pytest.mark.parametrize("width", range(1, MAX_WIDTH + 1))
def test_interval_of_a_format(width: int) -> None:
    signed, unsigned = Format(width, 5, True).interval, Format(width, 5, False).interval
    assert (signed.lo, signed.hi) == (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    assert (unsigned.lo, unsigned.hi) == (0, 2**width - 1)


def test_holding_is_the_narrowest_exhaustively() -> None:
    for lo in range(-70, 71):
        for hi in range(lo, 71):
            fmt = Format.holding(Interval(lo, hi), 3)
            assert fmt.frac == 3
            assert fmt.signed == (lo < 0)
            assert Interval(lo, hi) in fmt.interval
            assert fmt.width == 1 or Interval(lo, hi) not in Format(fmt.width - 1, 3, fmt.signed).interval


@given(FORMATS)
def test_holding_the_interval_of_a_format_is_the_format(fmt: Format) -> None:
    assert Format.holding(fmt.interval, fmt.frac) == fmt


@pytest.mark.parametrize("interval", [Interval(0, 2**62), Interval(-(2**61) - 1, 0), Interval(-1, 2**61)])
def test_nothing_holds_more_than_62_bits(interval: Interval) -> None:
    with pytest.raises(WidthError, match="got:      63 bits"):
        Format.holding(interval, 0)
