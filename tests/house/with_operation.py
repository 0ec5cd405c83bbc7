"""In a process of its own, on a copy of snn2hw with one more operation: the tests that find a table without it, and a program.

python -m tests.house.with_operation FOLDER      prints where its snn2hw is, and that all went well
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

import snn2hw
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.ir.document import from_json, to_json
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Op
from snn2hw.ir.program_text import program_from_text, program_to_text
from tests.ir import test_optable as tables
from tests.ir.program_check import network_of

PROGRAM = """program Toy
  u = state lo=-100 hi=100 initial=-3 : s8.0 proved
  i = input lo=-10 hi=7 : s5.0 proved
  sum = add u i : s8.0 proved
  kept = clamp sum lo=-100 hi=100 : s8.0 saturate
  far = abs kept : u7.0 proved
  large = abs i : u4.0 proved
  all = add far large : u7.0 proved
  u_next = output kept to=u : s8.0 proved
  spikes = output all to=spikes : u7.0 proved
"""


def finds(table: dict[Op, object]) -> None:
    """The test of completeness passes, and fails where the row is missing."""
    tables.test_every_other_table_covers_every_operation(table)
    try:
        tables.test_every_other_table_covers_every_operation({k: v for k, v in table.items() if k is not Op("abs")})
    except AssertionError:
        return
    raise SystemExit("a missing row is not noticed")


def all_tables() -> Iterator[str]:
    """Files with a table of operations: found by its keys, whatever it is called. Each has the new operation, or it is named."""
    for found in pkgutil.walk_packages(snn2hw.__path__, "snn2hw."):
        try:
            module = importlib.import_module(found.name)
        except ImportError:  # Lava, which is not for this Python; it asks the op table
            continue
        here = [
            v for v in vars(module).values() if isinstance(v, Mapping) and len([k for k in v if isinstance(k, Op)]) > len(Op) / 2
        ]
        if any(Op("abs") not in table for table in here):
            raise SystemExit(f"{found.name} has a table without the operation")
        if here and "Op.ABS" in Path(str(module.__file__)).read_text(encoding="utf-8"):  # others import it
            yield found.name.replace(".", "/") + ".py"


def main(out: Path) -> None:
    new = Op("abs")
    tables.test_every_operation_has_a_row()
    for table in (tables.OPERATIONS, tables.ONNX_TABLE, tables.EXPRESSIONS):
        finds(dict(table))
    tables.test_intervals_are_the_smallest_exhaustively(new)
    assert OPTABLE[new].evaluate([np.array([-3, 0, 3])], (), tables.WIDE).tolist() == [3, 0, 3]

    program = program_from_text(PROGRAM)
    assert program_to_text(program) == PROGRAM
    net = network_of(program)
    text, arrays = to_json(net)
    assert to_json(from_json(text, arrays))[0] == text
    made = snn2hw.compile(net, out=out)
    x = np.random.default_rng(0).integers(-10, 7, (net.steps, 9, *net.input.shape), endpoint=True)
    executors = [*EXECUTORS, *(["rtl"] if not SIDE_EXECUTORS["rtl"].unavailable() else [])]
    verdict = snn2hw.verify(made, x.astype(float), executors=tuple(executors))
    assert (verdict.different, verdict.not_run) == ({name: 0 for name in executors if name != "reference"}, {})
    assert not snn2hw.check(out).failures
    print(Path(snn2hw.__file__).parent, *all_tables(), sep="\n")


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    main(Path(sys.argv[1]))
