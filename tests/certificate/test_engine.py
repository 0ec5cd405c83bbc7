"""Every value of a variable, tried in C and in NumPy: the same ranges, the same error in the last bit of a float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snn2hw.certificate import engine
from snn2hw.certificate.engine import Found, enumerate_slice, first_place
from snn2hw.certificate.slices import Slice, slices
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import declared_interval, one_channel
from snn2hw.num import Interval
from tests.certificate.brute import NEURONS, layer, values
from tests.native.compiling import needs_compiler
from tests.native.test_compiler import command, without_ziglang


def polynomial_of(node: IntNeuron, channel: int) -> tuple[str, str, list[float], float]:
    """(variable, value, coefficients in units of the state, unit) of what stands for P(u)."""
    meaning, roles = node.meaning, node.program.roles
    assert meaning is not None
    assert roles is not None
    polynomial = roles.polynomial
    unit = 2.0 ** -node.program.by_name[polynomial.argument].format.frac
    row = meaning.coefficients[channel if len(meaning.coefficients) > 1 else 0]
    return polynomial.argument, polynomial.value, [a / unit for a in row], unit


def parts_of(node: IntNeuron, channel: int) -> list[tuple[Slice, Interval, tuple[str, list[float], float]]]:
    """The slices of a layer with a range to try, and the polynomial to watch where there is one."""
    variable, value, coefficients, unit = polynomial_of(node, channel)
    found = []
    for part in slices(one_channel(node.program, channel)):
        held = Interval(-40_000, 70_000)
        if part.variable.name in (*node.program.states, node.program.input.name):
            held = declared_interval(part.variable)
        here = part.variable.name == variable and value != variable
        found.append((part, held, (value, coefficients, unit) if here else ("", [], 1.0)))
    return found


def shown(found: Found) -> tuple[dict[str, str], tuple[str, int] | None]:
    """A float by its bits."""
    error = found.error and (found.error.error.hex(), found.error.at)
    return {name: str(r) for name, r in found.ranges.items()}, error or None


@needs_compiler
@pytest.mark.parametrize("target", ["generic", "loihi2"])
@pytest.mark.parametrize("which", NEURONS)
def test_c_and_numpy_find_the_same(which: str, target: str) -> None:
    node = layer(which, 12, target)
    watched = 0
    for channel in range(node.program.channels):
        for part, held, (value, coefficients, unit) in parts_of(node, channel):
            native = engine._native(part, held, value, coefficients, unit, None)
            assert shown(native) == shown(engine._numpy(part, held, value, coefficients, unit, None))
            assert (native.error is None) == (value == "")
            watched += bool(value)
    assert watched == (0 if which == "IF" else node.program.channels)  # P(u) = u has no error


@needs_compiler
def test_more_values_than_a_chunk_holds() -> None:
    """2**20 values go into C at once, 2**16 into NumPy; ends and errors are over all of them."""
    part = slices(one_channel(layer("LIF").program, 0))[0]
    assert part.variable.name == "u"
    held = Interval(-(3 << 19), (3 << 19) + 7)
    arguments = (part, held, part.instructions[-1].name, (0.25, 0.3), 1.0)
    seen: list[list[int]] = [[], []]
    native = engine._native(*arguments, seen[0].append)
    assert shown(native) == shown(engine._numpy(*arguments, seen[1].append))
    assert native.error is not None
    assert native.error.at in (held.lo, held.hi)
    assert [sum(s) for s in seen] == [held.hi - held.lo + 1] * 2
    assert [len(s) for s in seen] == [4, 49]


@pytest.mark.parametrize("which", ["LNM", "circulate, two amplitudes"])
def test_the_ranges_are_those_of_the_law(which: str) -> None:
    program = one_channel(layer(which).program, 0)
    for part, held, _ in parts_of(layer(which), 0):
        expected = values(program, {part.variable.name: np.arange(held.lo, held.hi + 1)})
        found = enumerate_slice(part, held).ranges
        assert found == {i.name: Interval(int(expected[i.name].min()), int(expected[i.name].max())) for i in part.instructions}


def test_the_error_and_where_it_occurs_first() -> None:
    node = layer("LNM")
    part, held, (value, coefficients, unit) = next(p for p in parts_of(node, 0) if p[2][0])
    raw = np.arange(held.lo, held.hi + 1)
    real = np.polynomial.polynomial.polyval(raw * unit, coefficients)
    error = np.abs(values(one_channel(node.program, 0), {"u": raw})[value] - real)
    found = enumerate_slice(part, held, value, coefficients, unit).error
    assert found is not None
    assert (found.error, found.at) == (pytest.approx(error.max(), abs=1e-9), raw[error.argmax()])


def test_the_first_place_of_a_value() -> None:
    node = layer("circulate")
    part = next(s for s in slices(one_channel(node.program, 0)) if s.variable.name == "h")
    held, name = Interval(-90_000, 90_000), next(i.name for i in part.instructions if i.name.startswith("payload"))
    payload = values(one_channel(node.program, 0), {"h": np.arange(held.lo, held.hi + 1)})[name]
    for value in np.unique(payload).tolist():
        assert first_place(part, held, name, value) == held.lo + int(np.flatnonzero(payload == value)[0])
    with pytest.raises(AssertionError, match=f"^{name} never is 99$"):
        first_place(part, held, name, 99)


def no_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a compiler that fails, in an empty cache."""
    monkeypatch.setenv("SNN2HW_CACHE", f"{tmp_path}/cache")
    monkeypatch.setattr(engine, "NATIVE_FROM", 0)
    return str(command(tmp_path / "bin" / "cc", "echo stdint.h: no such file >&2; exit 1"))


def test_numpy_takes_over_where_there_is_no_compiler_and_where_the_one_lying_about_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, held, _ = parts_of(layer("LNM"), 0)[0]
    expected = shown(engine._numpy(part, held, "", (), 1.0, None))
    no_headers(tmp_path, monkeypatch)
    monkeypatch.delenv("SNN2HW_CC", raising=False)
    without_ziglang(monkeypatch)
    for folder in ("bin", "nothing"):
        monkeypatch.setenv("PATH", f"{tmp_path}/{folder}")
        assert shown(enumerate_slice(part, held)) == expected
    assert len(list((tmp_path / "cache" / "native").glob("*.log"))) == 1


def test_a_compiler_that_was_asked_for_and_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, held, _ = parts_of(layer("LNM"), 0)[0]
    monkeypatch.setenv("SNN2HW_CC", no_headers(tmp_path, monkeypatch))
    with pytest.raises(ExecutorUnavailableError, match=r"^the C compiler failed\n"):
        enumerate_slice(part, held)
