"""ONNX Runtime's own int64 Clip, Min and Max are wrong around 2**31 to 2**34; what we export never uses them, and is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from snn2hw.backends import EXECUTORS
from snn2hw.formats.onnx.write_program import arithmetic_dtype
from snn2hw.ir.program import Program
from snn2hw.ir.program_rules import check_program
from snn2hw.ir.program_text import program_from_text
from snn2hw.store import make_artefact
from tests.ir.program_check import STEPS, network_of

Ints = npt.NDArray[np.int64]
LO, HI = -(2**23), 2**23 - 1
AFFECTED = ("Clip", "Min", "Max")

# value = 2**14 * x + u spans +-2**36; a 24-bit state is left after the clamp, and after min and max with bounds of 34 bits.
WIDE = f"""program Wide
  u = state lo={LO} hi={HI} initial=0 : s24.0 proved
  x = input lo=-4194304 hi=4194303 : s23.0 proved
  factor = const value=16384 : u15.0 proved
  product = mul x factor : s37.0 proved
  sum = add product u : s38.0 proved
  most = const value=8589934592 : u34.0 proved
  least = neg most : s34.0 proved
  below = min sum most : s38.0 proved
  within = max below least : s35.0 proved
  half = shift_right within bits=1 rounding=floor : s34.-1 proved
  twice = shift_left half bits=1 : s35.0 proved
  u_kept = clamp twice lo={LO} hi={HI} : s24.0 saturate
  direct = clamp sum lo={LO} hi={HI} : s24.0 saturate
  difference = sub within direct : s35.0 proved
  payload = shift_right difference bits=8 rounding=toward_zero : s27.-8 proved
  u_next = output u_kept to=u : s24.0 proved
  spikes = output payload to=spikes : s27.-8 proved
"""


def stimulus(samples: int) -> Ints:
    """x such that 2**14 * x lies on every side of +-2**31 to +-2**34, and anywhere else within +-2**36."""
    rng = np.random.default_rng(0)
    shape = (STEPS, samples, 1, 2)
    near = rng.choice([s << k for k in range(31, 35) for s in (1, -1)], shape) + rng.integers(-(2**22), 2**22, shape)
    anywhere = rng.integers(-(2**36), 2**36, shape)
    return np.where(rng.random(shape) < 0.7, near, anywhere) >> 14


@pytest.fixture(scope="module")
def program() -> Program:
    made = program_from_text(WIDE)
    check_program(made)
    return made


def _single_node(op: str, x: Ints, bounds: list[int]) -> Ints:
    """What this ONNX Runtime makes of one int64 node."""
    names = [f"bound{n}" for n in range(len(bounds))]
    initializers = [numpy_helper.from_array(np.array(b, np.int64), name) for name, b in zip(names, bounds, strict=True)]
    typed = [helper.make_tensor_value_info(name, TensorProto.INT64, [len(x)]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(op, ["x", *names], ["y"])], "one", typed[:1], typed[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: Ints = session.run(None, {"x": x})[0]
    return result


@pytest.mark.parametrize(
    ("op", "bounds", "law"),
    [
        ("Clip", [LO, HI], lambda x: np.clip(x, LO, HI)),
        ("Min", [2**33], lambda x: np.minimum(x, 2**33)),
        ("Max", [-(2**33)], lambda x: np.maximum(x, -(2**33))),
    ],
    ids=AFFECTED,
)
def test_what_this_onnxruntime_makes_of_plain_int64(
    op: str, bounds: list[int], law: Callable[[Ints], Ints], record_property: Callable[[str, object], None]
) -> None:
    """A record, not a demand: the share of wrong results. Only that the node runs, in int64, is asked for."""
    x = stimulus(40_000)[0].ravel() << 14
    got = _single_node(op, x, bounds)
    assert (got.dtype, got.shape) == (np.dtype(np.int64), x.shape)
    wrong = float((got != law(x)).mean())
    record_property(f"onnxruntime {onnxruntime.__version__}: share of wrong int64 {op}", wrong)
    print(f"onnxruntime {onnxruntime.__version__}: {wrong:.1%} of int64 {op} are wrong here")


def test_the_program_needs_int64(program: Program) -> None:
    assert arithmetic_dtype(program) is np.int64


def test_no_affected_node_is_exported(program: Program) -> None:
    artefact = make_artefact(network_of(program))
    for data, many in ((artefact.model, 2), (artefact.step, 1)):  # called; lowered
        functions = onnx.load_model_from_string(data).functions
        assert len(functions) == many
        for function in functions:
            operations = {node.op_type for node in function.node}
            assert operations.isdisjoint(AFFECTED)
            assert {"Where", "Less", "Greater"} <= operations


def test_the_exported_program_is_exact(program: Program) -> None:
    """More than 100,000 neurons and steps, against NumPy written here and against the reference."""
    x = stimulus(20_000)
    assert x.size > 100_000
    assert (np.abs(np.abs(x << 14) - 2**31) < 2**22).sum() > 10_000
    artefact = make_artefact(network_of(program))
    got = EXECUTORS["onnxruntime"].run(artefact, x)
    u = np.zeros(x.shape[1:], np.int64)
    for t, here in enumerate(x):
        total = here * 2**14 + u
        within = np.where(total > 2**33, 2**33, np.where(total < -(2**33), -(2**33), total))
        even, difference = within // 2 * 2, within - np.clip(total, LO, HI)
        u = np.clip(even, LO, HI)
        assert (got.states["n.u"][t] != u).sum() == 0
        assert (got.spikes["n"][t] != np.sign(difference) * (np.abs(difference) // 256)).sum() == 0
    law = EXECUTORS["reference"].run(artefact, x).arrays()
    assert {name: int((value != law[name]).sum()) for name, value in got.arrays().items()} == dict.fromkeys(law, 0)
