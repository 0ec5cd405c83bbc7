"""What a file does not carry is said in one warning, with the spikes that differ; conventions are stated field by field."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.formats.nir.convention import Convention, Cuba
from snn2hw.formats.nir.presets import PRESETS, chosen_convention, said, stateable
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.write import to_nir
from tests.frameworks import framework
from tests.nir_files import STATED, affine, cuba_lif, graph, integrator, lif, run_layers, write
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
X = np.random.default_rng(3).integers(0, 2, (60, 4, 3))
WEIGHT = np.random.default_rng(4).normal(0.3, 0.8, (4, 3))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.nir"


def changed(a: Any, b: Any) -> tuple[int, int]:
    """(spikes that differ, all of `a`)."""
    one, other = run_layers(a, X)[0], run_layers(b, X)[0]
    return sum(int((one[n] != other[n]).sum()) for n in one), sum(int(s.sum()) for s in one.values())


def warned(file: Path, made: Any, convention: str, **stated: Any) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net = from_nir(write(file, made), sample=X, convention=convention, **stated)
    assert all(c.category is Snn2hwWarning for c in caught)
    return net, [str(c.message) for c in caught]


def test_snntorchs_reset_is_asked_for_and_counted(file: Path) -> None:
    """The default of snnTorch's Leaky subtracts one step late; its importer resets to 0 at once."""
    made = graph(affine(WEIGHT), lif(4, tau=1e-3, r=10.0), affine(np.eye(4) * 2), lif(4, tau=1e-3, r=10.0), shape=[3], out=[4])
    net, said_ = warned(file, made, "snntorch")
    late, nothing = warned(file, made, "snntorch", reset="subtract", when="next")
    differ, fired = changed(net, late)
    assert differ > 100
    assert said_ == [
        f"""a file of snnTorch does not say how its neurons are reset
  where:    {file}: 1, 3
  got:      under 'snntorch', they are reset to 0 in the step of the spike, as snnTorch's own importer reads them
  cause:    Leaky, Synaptic, RLeaky and RSynaptic subtract the threshold, one step late, where nothing else is asked for: \
then {differ} of 1,920 spike values differ on 4 of your samples, which hold {fired} spikes
  do:       compile the model itself (snn2hw compile module:make_model, snn2hw.convert), or state it: \
reset='subtract', when='next' (--reset subtract --when next); where it is read rightly, reset='value' (--reset value) says so"""
    ]
    assert nothing == []
    assert warned(file, made, "snntorch", reset="value")[1] == []
    with pytest.warns(Snn2hwWarning, match="does not say how its neurons are reset") as caught:
        snn2hw.read_network(file, sample=X, convention="snntorch")
    assert caught[0].filename == __file__


def test_how_far_below_0_sinabs_neurons_go(file: Path) -> None:
    made = graph(affine(WEIGHT - 0.4), integrator(4), shape=[3], out=[4])
    net, (text,) = warned(file, made, "sinabs")
    free, nothing = warned(file, made, "sinabs", if_floor=False)
    differ, fired = changed(net, free)
    assert differ > 20
    assert nothing == []
    assert text.startswith("a file of Sinabs does not say how far below 0 its neurons go\n  where:    ")
    assert f": then {differ} of 960 spike values differ on 4 of your samples, which hold {fired} spikes\n" in text
    assert (
        "  do:       state it: if_floor=False (--no-if-floor); where it is read rightly, if_floor=True (--if-floor) says so"
        in text
    )
    assert warned(file, graph(affine(WEIGHT), lif(4, tau=3.0), shape=[3], out=[4]), "sinabs")[1] == []


def test_a_current_of_norse(file: Path) -> None:
    made = graph(affine(WEIGHT), cuba_lif(4), shape=[3], out=[4])
    _, (text,) = warned(file, made, "norse")
    assert text.startswith("a file of Norse does not say which of its neurons with a current wrote it\n")
    assert text.endswith("  do:       compile the model itself (snn2hw compile module:make_model, snn2hw.convert)")
    assert warned(file, made, "norse", cuba_input="ode")[1] == []


def test_what_rockpool_leaves_out(file: Path) -> None:
    """Its r says another step to its own importer than the one that it was written with."""
    steps = 8.0
    made = graph(affine(WEIGHT), cuba_lif(4, tau_mem=8e-3, r=steps * np.exp(-1 / steps)), shape=[3], out=[4])
    net, (text,) = warned(file, made, "rockpool")
    exact, nothing = warned(file, made, "rockpool", cuba_r="decayed")
    assert nothing == []
    assert text.startswith("a file of Rockpool holds no biases of its neurons and no weights between them\n")
    assert f": then {changed(net, exact)[0]} of 960 spike values differ" in text
    assert (
        "  do:       state it: cuba_r='decayed' (--cuba-r decayed); where it is read rightly, cuba_r='step' (--cuba-r step)"
        in text
    )
    right = from_nir(write(file, graph(affine(WEIGHT), cuba_lif(4, tau_mem=8e-3, r=7.0), shape=[3], out=[4])), sample=X,
                     convention=STATED["rockpool"])  # fmt: skip
    assert changed(exact, right)[0] == 0  # both of a millisecond


def test_a_convention_that_was_changed_has_been_thought_about(file: Path) -> None:
    write(file, graph(affine(WEIGHT), lif(4, tau=1e-3, r=10.0), shape=[3], out=[4]))
    from_nir(file, sample=X, convention=replace(PRESETS["snntorch"], reset="subtract"))  # a warning would be an error
    with pytest.warns(Snn2hwWarning):
        from_nir(file, sample=X, convention=PRESETS["snntorch"])


def test_fields_that_are_stated() -> None:
    made = chosen_convention("sinabs", 2.0, threshold="strict", cuba_input="unit", levels=3)
    assert made == replace(
        PRESETS["sinabs"], dt=2.0, threshold="strict", cuba=replace(PRESETS["sinabs"].cuba, input="unit"), levels=3
    )
    assert said(made) == (
        ("convention", "sinabs"), ("dt", 2.0), ("threshold", "strict"), ("levels", "3"), ("cuba_input", "unit"),
    )  # fmt: skip
    own = chosen_convention(None, 1e-3, reset="subtract", when="next")
    assert own == Convention(dt=1e-3, reset="subtract", when="next")
    assert said(own) == (("convention", "Convention"), ("dt", 1e-3), ("reset", "subtract"), ("when", "next"))
    assert chosen_convention("sinabs", reset="none").levels == 1
    assert chosen_convention("rockpool", levels="any").levels is None
    assert chosen_convention(None, 1.0, cuba_r="step").cuba == Cuba(r="step")
    assert {"reset", "when", "threshold", "dt", "if_floor", "cuba_input"} <= set(stateable())
    assert "name" not in stateable()
    with refused(
        UsageError,
        f"""
        a convention has no such field
          got:      strict
          expected: {", ".join(stateable())}
          do:       name one of these
        """,
    ):
        chosen_convention("norse", strict=True)


@pytest.mark.torch
@pytest.mark.parametrize("mechanism", ["subtract", "zero", "none"])
@pytest.mark.parametrize("kind", ["Leaky", "Synaptic", "RLeaky", "RSynaptic"])
def test_files_of_snntorchs_exporter_as_snntorch_computes(file: Path, mechanism: str, kind: str) -> None:
    torch, snn = framework("torch"), framework("snntorch")
    export = framework("snntorch.export_nir").export_to_nir
    torch.manual_seed(0)

    def neurons(n: int) -> Any:
        given = {"beta": torch.full((n,), 0.875), "threshold": torch.full((n,), 0.75), "reset_mechanism": mechanism}
        more = {"alpha": torch.full((n,), 0.5)} if "Synaptic" in kind else {}
        loop = {"all_to_all": True, "linear_features": n} if kind[0] == "R" else {}
        return getattr(snn, kind)(**more, **given, **loop, init_hidden=True)

    model = torch.nn.Sequential(torch.nn.Linear(3, 8), neurons(8), torch.nn.Linear(8, 4), neurons(4))
    found: dict[str, list[Any]] = {"1": [], "3": []}
    with torch.no_grad():
        model[0].weight.mul_(2)
        model[2].weight.mul_(3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of nirtorch, that its way of tracing is an old one
            nir.write(file, export(model, torch.randn(1, 3), ignore_dims=[0]))
        for layer in (model[1], model[3]):
            for state in ("spk", "mem", "syn"):
                if hasattr(layer, state):
                    setattr(layer, state, torch.zeros(4, layer.beta.shape[0]))
        for now in torch.tensor(X, dtype=torch.float32):
            hidden = model[1](model[0](now))
            found["1"].append(hidden.numpy())
            found["3"].append(model[3](model[2](hidden)).numpy())
    words: dict[str, dict[str, str]] = {
        "subtract": {"reset": "subtract", "when": "next"},
        "zero": {"reset": "value"},
        "none": {"reset": "none"},
    }
    if kind != "Leaky":  # late, it zeroes what the whole step would have made of v; Leaky what decays
        words["zero"]["when"] = "next"
    net = from_nir(file, sample=X, convention="snntorch", **words[mechanism])
    spikes, _ = run_layers(net, X)
    for layer in ("1", "3"):
        assert np.mean(found[layer]) > 0.05
        ours = spikes[f"{layer}.lif" if kind[0] == "R" else layer]
        assert (ours == np.stack(found[layer])).all(), f"layer {layer}"
    if mechanism == "subtract":
        made = snn2hw.compile(net, X, target="loihi2")
        assert snn2hw.verify(made, X, executors=("onnxruntime", "torch")).equal
        assert made.manifest["origin"] == {
            "convention": "snntorch", "dt": 1e-4, "reset": "subtract", "when": "next", "file": "x.nir",
        }  # fmt: skip


@pytest.mark.torch
def test_files_of_spikingjellys_exporter_as_spikingjelly_computes(file: Path) -> None:
    torch, sj = framework("torch"), framework("spikingjelly.activation_based")
    neuron, functional = framework("spikingjelly.activation_based.neuron"), framework("spikingjelly.activation_based.functional")
    export = framework("spikingjelly.activation_based.nir_exchange.to_nir").export_to_nir
    torch.manual_seed(0)
    lin = framework("spikingjelly.activation_based.layer").Linear
    model = torch.nn.Sequential(
        lin(3, 8), neuron.LIFNode(tau=2.0, decay_input=True, v_threshold=0.5, v_reset=-0.25),
        lin(8, 8), neuron.LIFNode(tau=4.0, decay_input=False, v_threshold=1.0),
        lin(8, 4), neuron.IFNode(v_threshold=0.75, v_reset=0.125),
    )  # fmt: skip
    functional.set_step_mode(model, "m")
    assert sj is not None
    with torch.no_grad():
        for layer in (model[0], model[2], model[4]):
            layer.weight.mul_(4)
            layer.bias.add_(0.3)
        x = torch.tensor(X, dtype=torch.float32)
        export(model, x, str(file))
        functional.reset_net(model)
        first = model[1](model[0](x))
        second = model[3](model[2](first))
        third = model[5](model[4](second))
    spikes, _ = run_layers(from_nir(file, sample=X, convention="spikingjelly"), X)
    for name, theirs in (("_1", first), ("_3", second), ("_5", third)):
        assert 0.01 < theirs.mean() < 0.95
        assert (spikes[name] == theirs.numpy()).all(), f"layer {name}"


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["LIF", "IF"])
def test_files_written_for_spikingjelly_as_it_computes_them(file: Path, kind: str) -> None:
    torch, back = framework("torch"), framework("spikingjelly.activation_based.nir_exchange.from_nir")
    first = lif(4, v_leak=0.1) if kind == "LIF" else integrator(4)
    write(file, graph(affine(WEIGHT), first, affine(WEIGHT.T), lif(3), shape=[3], out=[3]))
    file.write_bytes(to_nir(snn2hw.compile(from_nir(file, sample=X, dt=1e-3), X).network, "spikingjelly").data)
    spikes, _ = run_layers(from_nir(file, sample=X, convention="spikingjelly"), X)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        model, state, theirs = back.import_from_nir(nir.read(file)), None, []
        for now in torch.tensor(X, dtype=torch.float32):
            out, state = model(now) if state is None else model(now, state)
            theirs.append(out.numpy())
    assert spikes["1"].sum() > 50
    assert np.sum(theirs) > 20
    assert (spikes["3"] == np.stack(theirs)).all()


@pytest.mark.torch
def test_a_norse_membrane_that_starts_at_its_leak(file: Path) -> None:
    torch, norse = framework("torch"), framework("norse.torch")
    write(file, graph(affine(WEIGHT), lif(4, tau=4e-3, v_leak=0.3, v_threshold=0.6), shape=[3], out=[4]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = norse.from_nir(nir.read(file))
    state, theirs = None, []
    with torch.no_grad():
        for now in torch.tensor(X, dtype=torch.float32):
            _, state = model(now, state)
            theirs.append(state.cache["1"].numpy())
    spikes, _ = run_layers(from_nir(file, sample=X, convention=STATED["norse"]), X)
    assert np.sum(theirs) > 20
    assert (spikes["1"] == np.stack(theirs)).all()
    at_0, _ = run_layers(from_nir(file, sample=X, convention="norse", start="0"), X)
    assert (at_0["1"] != spikes["1"]).any()
