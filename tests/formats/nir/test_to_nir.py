"""NIR files that are written: what comes back to us, what others see, what is refused."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snn2hw
from snn2hw.backends.reference import interpret
from snn2hw.errors import MissingExtraError, UnsupportedError, UsageError, WidthError
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.presets import PRESETS
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.write import PLAIN, to_nir
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntReadout
from snn2hw.ir.loihi import loihi_lif
from snn2hw.ir.network import Circulate
from snn2hw.ir.real import run_real
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntLinear, IntMaxPool2d, MaxPool2d
from snn2hw.num import Format, Interval
from tests import hand_networks as by_hand
from tests.ir.test_integer_rules import changed
from tests.nir_exports import difference, export, visible_spikes
from tests.random_networks import LATE, RECURRENT, compiled, random_case, reproducer
from tests.refused import refused

pytest.importorskip("nir", reason="writing .nir files needs the nir extra")

SOFT = Convention(dt=1e-4, reset="subtract", threshold="inclusive")  # how the neurons of these tests fire
WIDE = (-64.0, 64.0)  # of states that reach no clamp, which NIR's neurons have not
READS_LIF = [c for c in PRESETS.values() if not c.refusal("LIF")]
CONVENTIONS = [PLAIN, SOFT, Convention(dt=2e-3, method="exponential", if_input="ode"), *READS_LIF]


def lowered(net: Any, **options: Any) -> IntegerNetwork:
    return by_hand.compiled(net, **options).network


def pooled(name: str, entering: str, **window: Any) -> MaxPool2d:
    return MaxPool2d(name, (entering,), (), window=Window((2, 2), (2, 2), **window), source=f"{name} (MaxPool2d)")


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda c: f"{c.name}-{c.method}-{c.reset}")
def test_every_kind_comes_back(tmp_path: Path, convention: Convention) -> None:
    assert difference(changed(), tmp_path / "x.nir", convention) == ""
    net = lowered(by_hand.every_kind(), sample=by_hand.every_kind_sample())
    assert difference(net, tmp_path / "x.nir", convention) == ""


@pytest.mark.torch
@pytest.mark.parametrize(("name", "right"), [("digits_lnm", 355), ("digits_cf", 285)])
def test_the_digits_come_back_and_what_others_get(tmp_path: Path, name: str, right: int) -> None:
    """Of 360 test digits the exact networks know 357."""
    digits(tmp_path / "x.nir", name, {PLAIN: right})


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:a file of:snn2hw.errors.Snn2hwWarning")  # what such files leave open is asked elsewhere
@pytest.mark.parametrize(("name", "right", "sinabs"), [("digits_lnm", 355, 343), ("digits_cf", 285, 141)])
def test_the_digits_under_the_conventions_of_others(tmp_path: Path, name: str, right: int, sinabs: int) -> None:
    digits(tmp_path / "x.nir", name, {c: sinabs if c.name == "sinabs" else right for c in READS_LIF})


def digits(path: Path, name: str, right: dict[Convention, int]) -> None:
    """The round trip under each convention, and how many test digits the visible network knows when it is read back by it."""
    pytest.importorskip("sklearn")
    from snn2hw.user_models import find_model

    found = find_model(name)
    assert found.source is not None
    net = snn2hw.compile(found.module, found.sample, found.steps).network
    x, labels = (np.asarray(v) for v in found.source.test_data())
    for convention, expected in right.items():
        assert difference(net, path, convention) == ""
        visible = from_nir(path, steps=found.steps, sample=found.sample, convention=convention)
        assert int((run_real(visible, x.astype(np.float64)).argmax(1) == labels).sum()) == expected, convention.name


def sweep(folder: Path, seeds: range, least: float = 0.6) -> None:
    """Networks are lowered, or refused; what is lowered is written, or its kernel has no shape that nir infers, or (Delays) it is
    no neuron of NIR."""
    written = refusals = 0
    for seed in seeds:
        try:
            net = compiled(random_case(seed)).network
            found = difference(net, folder / "x.nir", CONVENTIONS[seed % len(CONVENTIONS)])
        except UnsupportedError as error:
            refusals += error.what == "the nir package cannot infer the shape behind this convolution"
            continue
        except WidthError:
            continue
        written += 1
        assert not found, f"{reproducer(seed)}\n{found}"
    assert written >= least * len(seeds)
    assert refusals <= 0.3 * len(seeds)


def test_random_networks_come_back(tmp_path: Path) -> None:
    sweep(tmp_path, range(5))
    sweep(tmp_path, range(RECURRENT, RECURRENT + 4), 0.25)
    sweep(tmp_path, range(LATE, LATE + 4), 0.25)


@pytest.mark.slow
def test_many_random_networks_come_back(tmp_path: Path) -> None:
    sweep(tmp_path, range(100, 400))


@pytest.mark.slow
@pytest.mark.parametrize("start", [RECURRENT, LATE])
def test_many_random_recurrent_networks_come_back(tmp_path: Path, start: int) -> None:
    sweep(tmp_path, range(start + 100, start + 300), 0.25)


NAMES = st.text(min_size=1, max_size=8)


@given(NAMES, NAMES, st.lists(st.integers(-128, 127), min_size=3, max_size=3), st.integers(1, 5))
@settings(max_examples=10)
def test_any_names_and_numbers_come_back(tmp_path_factory: Any, a: str, b: str, row: list[int], steps: int) -> None:
    net = events_into(loihi_lif(du=4095, dv=1024, vth=2), np.array([row], np.int8), steps=steps, name=a, source=b)
    assert difference(net, tmp_path_factory.mktemp("x") / "x.nir") == ""


def events_into(program: Any, weight: Any, steps: int = 6, name: str = "fires", source: str = "") -> IntegerNetwork:
    """Binary events -> Linear -> a program of integers from the start -> readout."""
    bound, out = 2**15, (len(weight),)
    frac = program.input.format.frac
    nodes = (
        IntInput("\x00in", (), (weight.shape[1],), Format(1, 0, False), Interval(0, 1), 1.0, False, True),
        IntLinear("\x00fc", ("\x00in",), out, Format(16, frac), Interval(-bound, bound - 1), weight, np.zeros(out, np.int32)),
        IntNeuron(name, ("\x00fc",), out, program.payload, Interval(0, 1), program=program, source=source),
        IntReadout("\x00out", (name,), out, program.payload, Interval(0, 1)),
    )
    return IntegerNetwork(steps, "loihi2", nodes)


@pytest.mark.parametrize("convention", [SOFT, replace(PRESETS["norse"], reset="subtract", threshold="inclusive")])
def test_networks_that_nir_can_carry_fire_the_same_spikes(tmp_path: Path, convention: Convention) -> None:
    """Groups, a kernel that is no square, a join of a current and spikes at another scale, IF and LIF: nothing is lost."""
    net = by_hand.network(
        12,
        by_hand.counts(2, 6, 6),
        by_hand.conv("a", "input", by_hand.normal(1, 4, 1, 1, 3), [0.1] * 4, Window((1, 3), (1, 1), (0, 1), (1, 2)), groups=2),
        by_hand.integrate("if", "a", state_range=WIDE),
        by_hand.conv("b", "if", by_hand.normal(2, 4, 4, 3, 3, scale=0.2), window=Window((3, 3), padding=(1, 1))),
        by_hand.add("join", "b", "if"),
        by_hand.lif("lif", "join", 0.75, state_range=WIDE),
        pooled("pool", "lif"),
        by_hand.average("mean", "pool"),
        by_hand.flatten("flat", "mean"),
        by_hand.linear("fc", "flat", by_hand.normal(3, 5, 4)),
        by_hand.integrate("last", "fc", state_range=WIDE),
        by_hand.readout("last"),
    )
    x = by_hand.events(net)
    exact = lowered(net, sample=x, state_bits=24)
    assert to_nir(exact, convention).approximations == {}
    spikes, trace = visible_spikes(exact, tmp_path / "x.nir", x, convention)
    for layer in ("if", "lif", "last"):
        assert trace.spikes[layer].sum() > 50
        assert (spikes[layer] == trace.spikes[layer]).all(), layer
    assert (spikes["pool"] == window_maximum(trace.spikes["lif"])).all()


@pytest.mark.parametrize("convention", [SOFT, replace(PRESETS["norse"], reset="subtract", threshold="inclusive")])
def test_the_offset_of_a_neuron_behind_a_join_of_another_scale(tmp_path: Path, convention: Convention) -> None:
    net = by_hand.network(
        12,
        by_hand.counts(3),
        by_hand.linear("f0", "input", by_hand.normal(11, 2, 3)),
        by_hand.circulate("m", "f0", (0.5,), signed=False, state_range=WIDE),
        by_hand.linear("ff", "m", by_hand.normal(12, 2, 2)),
        by_hand.add("s", "ff", "m"),
        by_hand.neuron("n", "s", "LIF", ((0.3, 0.5),), state_range=WIDE),
        by_hand.linear("h", "n", by_hand.normal(2, 2, 2)),
        by_hand.readout("h"),
    )
    x = by_hand.events(net, 8)
    spikes, trace = visible_spikes(lowered(net, sample=x, state_bits=24), tmp_path / "x.nir", x, convention)
    assert trace.spikes["n"].sum() > 50
    assert (spikes["n"] == trace.spikes["n"]).all()


def window_maximum(spikes: Any) -> Any:
    t, n, c, h, w = spikes.shape
    return spikes.reshape(t, n, c, h // 2, 2, w // 2, 2).max((4, 6))


@pytest.mark.parametrize("convention", [c for c in CONVENTIONS if c.name != "sinabs"], ids=lambda c: f"{c.name}-{c.method}")
def test_the_lif_of_a_polynomial_is_its_tangent_at_rest(tmp_path: Path, convention: Convention) -> None:
    """P(u) = 0.1 + 0.5 u + 0.1 u**2 rests at u* = 0.2087, where its slope is 0.5417."""
    net = lowered(by_hand.one_neuron(by_hand.neuron("n", "fc", coefficients=((0.1, 0.5, 0.1),))))
    graph = export(net, tmp_path / "x.nir", convention)
    rest = (0.5 - np.sqrt(0.25 - 0.04)) / 0.2
    slope = 0.5 + 0.2 * rest
    made, fc = graph.nodes["n"], graph.nodes["fc"]
    assert [convention.decay(float(t)) for t in made.tau] == pytest.approx([slope] * 2, rel=1e-5)
    gain = np.array([convention.lif_gain(float(r), float(t)) for r, t in zip(made.r, made.tau, strict=True)])
    real = net.nodes[1]
    assert isinstance(real, IntLinear)
    assert fc.weight == pytest.approx(real.weight * 2.0**-real.format.frac, rel=1e-6)  # scales per layer here
    assert made.v_threshold == pytest.approx(1.0 * gain, rel=1e-5)
    assert (made.v_leak, made.v_reset) == (pytest.approx(np.zeros(2)), pytest.approx(np.zeros(2)))
    assert fc.bias == pytest.approx((rest - slope * rest) * np.ones(2), rel=1e-5)


@pytest.mark.parametrize(
    ("coefficients", "decay", "offset", "lost"),
    [
        ((0.0, 0.6), 0.6, 0.0, None),
        ((0.2, 0.9), 0.9, 0.2, None),
        ((0.3, 0.5, 0.4), 0.5, 0.3, "P(u) is its tangent at 0, for want of a stable rest"),  # no rest
        ((0.5, 1.2, 0.0), 1.0, 0.5, "P(u) is its tangent at 0, for want of a stable rest"),  # an unstable one
        ((0.1, -0.4), 0.0, 0.1, "P(u) is its tangent at 0, for want of a stable rest"),  # it swings
        ((-0.1, 0.0, 0.0, 0.5), 0.01515, -0.09898, "P(u) is its tangent at rest"),
    ],
)
def test_where_the_tangent_is_taken(tmp_path: Path, coefficients: Any, decay: float, offset: float, lost: str | None) -> None:
    net = lowered(by_hand.one_neuron(by_hand.neuron("n", "fc", coefficients=(coefficients,))))
    made = export(net, tmp_path / "x.nir").nodes["n"]
    assert 1 - 1e-4 / getattr(made, "tau", np.full(2, np.inf)) == pytest.approx([decay] * 2, abs=1e-4)  # else an IF
    assert to_nir(net).approximations.get("n") == lost
    net = lowered(by_hand.network(2, by_hand.counts(2), by_hand.neuron("n", "input", coefficients=(coefficients,)),
                                  by_hand.readout("n")))  # fmt: skip
    made = export(net, tmp_path / "x.nir").nodes["n"]  # no bias before it: v_leak = offset / (1 - decay)
    assert made.v_leak == pytest.approx([offset / max(1 - decay, 2.0**-20)] * 2, rel=2e-3, abs=1e-9)


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    fires = by_hand.neuron("n", "input", coefficients=((0.2, 0.9),), firing=Circulate((1.0, 1.0), (0.5, 0.5), True))
    net = lowered(by_hand.network(2, by_hand.image(1, 4, 4), pooled("pool", "input"), replace(fires, inputs=("pool",)),
                                  by_hand.flatten("flat", "n"), by_hand.readout("flat")))  # fmt: skip
    made = to_nir(net, "norse")
    assert made.approximations == {
        "pool": "the mean of the window stands for its maximum",
        "n": "spike values from -2 to 2 are spikes of 1; its offset is left out: the importer reads no v_leak",
    }
    graph = export(net, tmp_path / "x.nir", "norse")
    assert {k: v.metadata["snn2hw"].get("approximation") for k, v in graph.nodes.items() if k in ("pool", "n", "flat")} == {
        **made.approximations, "flat": None
    }  # fmt: skip
    assert "snn2hw" not in to_nir(net).approximations
    assert to_nir(net).approximations["n"] == "spike values from -2 to 2 are spikes of 1"


def test_a_program_of_integers_is_its_secants(tmp_path: Path) -> None:
    """Loihi's neuron: v <- 3/4 v + 64 a, fires above 2 * 64; u, which forgets at once, and the refractory counter are no NIR."""
    net = events_into(loihi_lif(du=4095, dv=1024, vth=2, bias_mant=1, bias_exp=5, refractory=2), np.array([[2, -1]], np.int8))
    made = export(net, tmp_path / "x.nir").nodes["fires"]
    assert 1 - 1e-4 / made.tau == pytest.approx([0.75], abs=1e-3)
    assert (made.v_threshold.tolist(), made.v_reset.tolist()) == ([128.0], [0.0])
    graph = export(net, tmp_path / "x.nir")
    assert graph.nodes["_fc"].weight.tolist() == [[128.0, -64.0]]
    assert graph.nodes["_fc"].bias.tolist() == [32.0]
    assert to_nir(net).approximations == {"fires": "the program is its secants from the initial state"}


def test_a_join_of_equal_branches_and_a_layer_that_nothing_reads(tmp_path: Path) -> None:
    fc, n, dead = by_hand.linear("fc", "input", np.eye(2)), by_hand.lif("n", "fc"), by_hand.lif("dead", "fc")
    net = lowered(by_hand.network(3, by_hand.counts(2), fc, n, dead, by_hand.add("twice", "n", "n"), by_hand.readout("twice")))
    graph = export(net, tmp_path / "x.nir")
    assert {k: type(v).__name__ for k, v in graph.nodes.items()} == {
        "input": "Input", "fc": "Affine", "n": "LIF", "n_scale": "Scale", "output": "Output"
    }  # fmt: skip
    assert graph.nodes["n_scale"].scale.tolist() == [2, 2]
    assert difference(net, tmp_path / "x.nir") == ""


def test_the_file_is_what_it_was_from_whatever_process(tmp_path: Path) -> None:
    net = changed()
    first, second = (export(net, tmp_path / f"{i}.nir").metadata["snn2hw"]["fingerprint"] for i in range(2))
    assert first == second


def test_kernels_that_nir_infers_no_shape_for() -> None:
    net = lowered(by_hand.network(2, by_hand.counts(1, 5, 5), by_hand.conv("c", "input", by_hand.normal(0, 2, 1, 3, 2)),
                                  by_hand.lif("n", "c"), by_hand.flatten("flat", "n"), by_hand.readout("flat")))  # fmt: skip
    with refused(
        UnsupportedError,
        """
        the nir package cannot infer the shape behind this convolution
          where:    c (Conv2d)
          got:      a kernel of 3x2
          expected: height and width equal, or an even number apart
          do:       export to C, or use model.onnx
        """,
    ):
        to_nir(net)


def test_a_pool_with_dilation() -> None:
    net = changed()
    wide = Window((2, 2), (1, 1), (0, 0), (2, 2))
    nodes = [replace(n, window=wide) if isinstance(n, IntMaxPool2d) else n for n in net.nodes]
    with refused(
        UnsupportedError,
        """
        NIR's pools have no dilation
          where:    max
          got:      dilation (2, 2)
          expected: (1, 1)
          do:       export to C, or use model.onnx
        """,
    ):
        to_nir(IntegerNetwork(4, "generic", tuple(nodes)))


def test_a_program_that_does_not_fire() -> None:
    silent = loihi_lif(4095, 128, 100, align=0, membrane=True)
    net = events_into(silent, np.array([[1, 0]], np.int8), source="layer 3 (dense)")
    with refused(
        UnsupportedError,
        """
        this layer is no neuron that NIR has
          where:    layer 3 (dense)
          got:      a program 'LIF' without a state or a positive threshold
          expected: a membrane that fires at a threshold
          do:       export to C, or use model.onnx
        """,
    ):
        to_nir(net)


def test_a_convention_without_a_lif() -> None:
    text = """
    no neuron can be written for this convention
      where:    convention 'rockpool'
      got:      its importer asks a LIF for 'tau_mem', which NIR calls 'tau'
      expected: one that reads a LIF: norse, sinabs, snntorch, lava, spikingjelly, or a Convention
      do:       leave the convention out for NIR's own equation under Euler
    """
    with refused(UsageError, text):
        to_nir(changed(), "rockpool")


def test_a_graph_that_the_package_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    import nir

    def refuses(*_: Any, **__: Any) -> None:
        raise ValueError("Duplicate edge:\n  (a, b)")

    monkeypatch.setattr(nir, "NIRGraph", refuses)
    text = f"""
    the package nir does not take this network
      where:    the visible graph
      got:      ValueError: Duplicate edge: (a, b)
      expected: a graph that nir {nir.version} writes
      do:       export to C, or use model.onnx
    """
    with refused(UnsupportedError, text):
        to_nir(changed())


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with refused(MissingExtraError, str(MissingExtraError("nir", "nir", "writing a .nir file"))):
        to_nir(changed())


def test_a_name_that_could_not_be_read_again(tmp_path: Path) -> None:
    with refused(
        UsageError,
        """
        this is no name for a NIR file
          got:      net.h5
          expected: *.nir
          do:       name it so, such as net.nir
        """,
    ):
        snn2hw.export_nir(changed(), "net.h5")
    assert list(tmp_path.iterdir()) == []


def test_by_default_it_lies_in_the_artefact(tmp_path: Path) -> None:
    net = by_hand.one_neuron(by_hand.lif("n", "fc"))
    artefact = snn2hw.compile(net, by_hand.sample_of(net), out=tmp_path / "net")
    made = snn2hw.export_nir(artefact)
    assert (made.path, made.approximations) == (tmp_path / "net" / "model.nir", {})
    again = snn2hw.compile(snn2hw.read_network(made.path), out=tmp_path / "again")
    assert (again.model, again.step) == (artefact.model, artefact.step)
    assert snn2hw.verify(again, executors=("reference", "onnx-reference")).equal
    x = by_hand.sample_of(net)
    assert (interpret(again.network, encode(again.network, x)).readout == snn2hw.simulate(artefact, x).readout).all()
