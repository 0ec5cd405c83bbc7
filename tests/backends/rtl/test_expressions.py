"""Every operation in SystemVerilog: random programs in one simulation, against the reference on Python integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from snn2hw.backends.rtl.datapath import Datapath, datapath
from snn2hw.backends.rtl.expressions import DECLARED, EXPRESSIONS, digits
from snn2hw.backends.rtl.pipeline import cut
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.program_text import program_to_text
from snn2hw.num import Rounding
from snn2hw.trace import Ints
from tests.backends.rtl.lanes import Lanes, entering, leaving
from tests.backends.rtl.running import TOOLS
from tests.ir.program_check import draws, network_of
from tests.ir.random_programs import programs
from tests.tools import needs

CLOCKS = (25.0, 100.0, 300.0)
VECTORS = 48


def drawn(count: int) -> list[Program]:
    """The first programs that the strategy gives."""
    found: list[Program] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None)
    @given(programs())
    def collect(program: Program) -> None:
        found.append(program)

    collect()
    return found


def vectors(path: Datapath, program: Program, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows that enter, and the rows of the reference; the first few begin at the initial states."""
    x = draws(declared_interval(program.input), rng, (VECTORS,))
    first = np.arange(VECTORS) < VECTORS // 6
    states = {f.name: draws(path.operands[f.name].interval, rng, (VECTORS,)) for f in path.states}
    before = {name: np.where(first, initial_value(program.by_name[name]), value) for name, value in states.items()}
    channel = rng.integers(0, program.channels, VECTORS)
    constants = {}
    for f in path.constants:
        values = np.array(values_of(path.program.by_name[f.name]), np.int64)
        constants[f.name] = values[channel if len(values) > 1 else np.zeros(VECTORS, np.int64)]
    step = [
        evaluate_scalar(program, int(x[n]), {s: int(v[n]) for s, v in before.items()}, int(channel[n])) for n in range(VECTORS)
    ]
    outputs = {i.name: np.array([values[i.name] for values in step]) for i in program.outputs.values()}
    return entering(path, x, states, constants, first.astype(np.int64)), leaving(path, outputs)


def equals_the_reference(found: list[Program], folder: Path) -> set[tuple[object, ...]]:
    """All programs in one simulation, each for one of the clocks; which operations it computed, and how."""
    paths = []
    for n, program in enumerate(found):
        neuron = network_of(program).neurons[0]
        paths.append(datapath(neuron, declared_interval(program.input), CLOCKS[n % len(CLOCKS)]))
    rows = [vectors(p, q, np.random.default_rng(n)) for n, (p, q) in enumerate(zip(paths, found, strict=True))]
    given, expected = [g for g, _ in rows], [e for _, e in rows]
    got = Lanes(paths, folder).run(np.concatenate(given, axis=1))
    at = 0
    for n, (program, wanted, given_rows) in enumerate(zip(found, expected, given, strict=True)):
        here = got[:, at : at + wanted.shape[1]]
        at += wanted.shape[1]
        wrong = np.argwhere(here != wanted)
        assert not len(wrong), (
            f"program {n} for {CLOCKS[n % len(CLOCKS)]} MHz: row {wrong[0, 0]}, {given_rows[wrong[0, 0]].tolist()}, gives "
            f"{here[wrong[0, 0]].tolist()} instead of {wanted[wrong[0, 0]].tolist()}\n{program_to_text(program)}"
        )
    return {_kind(i) for p in paths for i in p.program.instructions if p.operands[i.name].constant is None}


def _kind(i: Instruction) -> tuple[object, ...]:
    return (i.op, i.attrs[1]) if i.op is Op.SHIFT_RIGHT else (i.op,)


def test_random_programs(tmp_path: Path) -> None:
    needs(*TOOLS)
    seen = equals_the_reference(drawn(60), tmp_path)
    assert {kind[0] for kind in seen} == set(Op) - {Op.CONST}
    assert {kind[1] for kind in seen if len(kind) > 1} == set(Rounding)


@pytest.mark.slow
def test_many_random_programs(tmp_path: Path) -> None:
    needs(*TOOLS)
    found = drawn(1_000)
    for n in range(0, len(found), 100):
        folder = tmp_path / str(n)
        folder.mkdir()
        equals_the_reference(found[n : n + 100], folder)


def test_every_operation_has_an_expression_or_is_declared() -> None:
    assert set(EXPRESSIONS) | DECLARED == set(Op)
    assert not set(EXPRESSIONS) & DECLARED


def test_stages_follow_each_other_and_fit_the_clock() -> None:
    """No value is computed before what it reads, and a slower clock never takes more stages."""
    for program in drawn(40):
        neuron = network_of(program).neurons[0]
        latencies = []
        for clock in (1.0, 50.0, 100.0, 200.0, 500.0):
            path = datapath(neuron, declared_interval(program.input), clock)
            again = cut(path.program.instructions, path.operands, path.bits, clock)
            assert again == path.cut
            for i in path.program.instructions:
                assert all(path.cut.stage[i.name] >= path.cut.stage[a] for a in i.args if path.operands[a].constant is None)
            assert path.cut.latency == 1 + max(path.cut.stage.values())
            latencies.append(path.cut.latency)
        assert latencies == sorted(latencies)


def test_the_digits_of_seven() -> None:
    assert digits(7) == [(-1, 0), (1, 3)]
    assert digits(0) == []
