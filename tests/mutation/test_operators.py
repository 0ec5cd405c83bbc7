"""The faults that are put in: each operator makes the ones that it says, and nothing that cannot be compiled."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.clean_environment import ROOT
from tests.mutation.listed import diff, equivalents, outline, planted
from tests.mutation.operators import Fault, faults


def made(source: str, operator: str = "") -> set[str]:
    """The lines that faults put into a source."""
    found = [f for f in faults("snn2hw/x.py", source) if not operator or f.operator == operator]
    return {line[1:].strip() for f in found for line in diff(source, f.applied(source)) if line[0] == "+"}


@pytest.mark.parametrize(
    ("line", "operator", "expected"),
    [
        ("y = a < b <= c", "comparison", {"y = a <= b <= c", "y = a < b < c"}),
        ("y = a is not None", "comparison", {"y = a is None"}),
        ("y = a not in b", "comparison", {"y = a in b"}),
        ("y = (a + b) * c", "arithmetic", {"y = (a - b) * c", "y = (a + b) + c"}),
        ("y = a // -b", "arithmetic", {"y = a * -b", "y = a // b"}),
        ("y = 1 << n", "arithmetic", {"y = 1 >> n"}),
        ("y += n", "arithmetic", {"y -= n"}),
        ("y = f(7, True)", "constant", {"y = f(8, True)", "y = f(6, True)", "y = f(7, False)"}),
        ("y = 0", "constant", {"y = 1", "y = (-1)"}),
        ("y = a and b and not c", "boolean", {"y = a or b and not c", "y = a and b or not c", "y = a and b and c"}),
        ("y = min(a, b)", "min", {"y = max(a, b)"}),
        ("y = np.maximum(a, b)", "maximum", {"y = np.minimum(a, b)"}),
        ("y = np.floor(a)", "floor", {"y = np.ceil(a)"}),
        ("y = all(a)", "all", {"y = any(a)"}),
        ("y = f(a, b, c)", "swapped arguments", {"y = f(b, a, c)"}),
        ("y = f(a, k=b, m=c)", "dropped argument", {"y = f(a, m=c)", "y = f(a, k=b)"}),
        ("y = f(a, b)", "dropped argument", {"y = f(a)"}),
        ("y = zip(a, strict=True)", "dropped argument", set()),
        ("y = zip(a, strict=True)", "constant", set()),
        ("y = f(k=b)", "dropped argument", {"y = f()"}),
        ("y = a if b else c", "condition", {"y = a if (not (b)) else c"}),
        ("y = [i for i in a if i]", "condition", {"y = [i for i in a if (not (i))]"}),
    ],
)
def test_every_operator(line: str, operator: str, expected: set[str]) -> None:
    assert made(line, operator) == expected
    assert made(f"def f():\n    x = 2\n    {line}\n    return y", operator) >= expected


def test_statements_are_dropped_and_functions_return_at_once() -> None:
    source = 'def f(x):\n    """Says."""\n    x = g(x)\n    x = h(x)\n    x += 1\n    x.clear()\n    return x\n'
    assert len([f for f in faults("x.py", source) if f.operator == "dropped statement"]) == 3  # the first binding is needed
    (early,) = [f for f in faults("x.py", source) if f.operator == "early return"]
    assert diff(source, early.applied(source)) == ["+    return None"]
    assert early.function == "f"


@pytest.mark.parametrize(
    "quiet",
    [
        '"""Says 1 < 2."""',
        "import a",
        "from a import b",
        "assert a < b",
        "raise E('x', got=a + 1)",
        "y: Literal[1] = a",
        "y = f'{a + 1}'",
    ],
)
def test_what_has_no_meaning_at_run_time_is_left_alone(quiet: str) -> None:
    assert faults("x.py", quiet) == []


def test_text_beyond_ascii_moves_no_place() -> None:
    assert made('y = "äöü²" + a') == {'y = "äöü²" - a'}


@pytest.mark.parametrize("name", ["num/rounding.py", "ir/optable.py", "verification/verdict.py"])
def test_every_fault_of_a_real_file_compiles_and_differs(name: str) -> None:
    source = (ROOT / "snn2hw" / name).read_text(encoding="utf-8")
    found = faults(f"snn2hw/{name}", source)
    assert len(found) == len({(f.start, f.end, f.text) for f in found}) > 20
    assert found == faults(f"snn2hw/{name}", source)
    for fault in found[:: max(1, len(found) // 40)]:
        assert ast.dump(ast.parse(fault.applied(source))) != ast.dump(ast.parse(source))
        assert source[: fault.start].count("\n") + 1 == fault.line


def test_what_is_listed_is_still_there() -> None:
    """A line that moves on takes its entry along."""
    kept: dict[str, set[tuple[str, str, tuple[str, ...]]]] = {}
    for entry in equivalents():
        source = (ROOT / entry.file).read_text(encoding="utf-8")
        if entry.file not in kept:
            kept[entry.file] = {outline(f, source) for f in faults(entry.file, source)}
        assert (entry.file, entry.function, tuple(entry.fault)) in kept[entry.file], entry
        assert len(entry.because) > 15
    for fault in planted():
        source = (ROOT / fault.file).read_text(encoding="utf-8")
        assert fault.applied(source) != source
        assert Path(ROOT / fault.tests.partition("::")[0]).is_file()


def test_an_outline_does_not_know_lines() -> None:
    source = "a = b + c\n"
    (fault,) = faults("x.py", source)
    (moved,) = faults("x.py", "\n\n" + source)
    assert isinstance(fault, Fault)
    assert fault.line != moved.line
    assert outline(fault, source) == outline(moved, "\n\n" + source) == ("x.py", "", ("-a = b + c", "+a = b - c"))
