from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from snn2hw import nn  # noqa: E402
from snn2hw.errors import ExecutorUnavailableError, ShapeError, TargetError, UsageError, ValueRangeError  # noqa: E402
from snn2hw.ir.real import run_real  # noqa: E402
from snn2hw.target import target_names  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

EXECUTORS = ("reference", "onnxruntime", "onnx-reference", "torch")


def model(seed: int = 0) -> Any:
    """The one of DESIGN, smaller."""
    torch.manual_seed(seed)
    made = torch.nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.LNM(degree=3, threshold=0.5),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 8), nn.CirculateFiring(levels=4, signed=True),
        nn.Linear(8, 10),
    )  # fmt: skip
    with torch.no_grad():
        made[5].weight.mul_(4)
    return made


@pytest.fixture(scope="module")
def images() -> Any:
    return torch.rand(12, 1, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def artefact(images: Any) -> snn2hw.Artefact:
    return snn2hw.compile(model(), sample=images[:8], steps=4, target="loihi2")


def events(t: int = 5, n: int = 6) -> Any:
    return np.random.default_rng(0).poisson(0.8, (t, n, 7))


def event_model() -> Any:
    torch.manual_seed(1)
    made = torch.nn.Sequential(nn.Linear(7, 9), nn.LIF(0.75), nn.Linear(9, 3))
    with torch.no_grad():
        made[0].weight.mul_(3)
    return made


def test_the_names_of_the_layers() -> None:
    assert nn.__all__ == [
        "ALIF", "IAF", "IF", "LI", "LIF", "LNM", "LSNN", "PLIF", "QIF", "AdaptiveAvgPool2d", "Alpha", "Atan",
        "AvgPool1d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "CirculateFiring", "CirculateLNM", "Conv1d", "Conv2d",
        "ConvTranspose1d", "ConvTranspose2d", "CubaLIF", "CustomNeuron", "Dropout", "FastSigmoid", "Firing", "Flatten",
        "IFNode", "Identity", "Izhikevich", "IzhikevichNode", "LIBox", "LIFBox", "LIFNode", "LIFRefrac", "Lapicque",
        "Leaky", "LeakyIntegrator", "Linear", "MaxPool1d", "MaxPool2d", "Membrane", "Neuron", "NonSpikingNode", "NorseLIF",
        "Observation", "ParametricLIFNode", "QIFNode", "RLeaky", "RSynaptic", "Readout", "Rectangle", "Recurrent",
        "RefractoryLIF", "ResonateAndFire", "Sequential", "Sigmoid", "State", "Surrogate", "Synaptic", "Triangle",
        "Upsample", "balance_loss", "check_alive", "coefficient_penalty", "fire", "observe", "per_channel",
        "range_penalty", "repeat",
    ]  # fmt: skip
    assert all(hasattr(nn, name) for name in nn.__all__)


def test_compile_load_simulate_verify(tmp_path: Path, images: Any, artefact: snn2hw.Artefact) -> None:
    written = snn2hw.compile(model(), sample=images[:8], steps=4, target="loihi2", out=tmp_path / "digits")
    assert (written.model, written.step) == (artefact.model, artefact.step)
    loaded = snn2hw.load(str(tmp_path / "digits"))
    trace = snn2hw.simulate(loaded, images, executor="reference")
    assert (trace.readout.shape, trace.readout.dtype) == ((12, 10), np.int64)
    assert (trace.predictions.shape, trace.predictions.tolist()) == ((12,), trace.readout.argmax(1).tolist())
    assert {k: v.shape for k, v in trace.spikes.items()} == {"2": (4, 12, 4, 6, 6), "6": (4, 12, 8)}
    assert {k: v.shape for k, v in trace.states.items()} == {"2.u": (4, 12, 4, 6, 6), "6.u": (4, 12, 8)}
    assert set(np.unique(trace.spikes["2"])) == {0, 1}
    assert len(np.unique(trace.spikes["6"])) > 2
    verdict = snn2hw.verify(loaded, images, executors=EXECUTORS)
    assert verdict.equal
    assert verdict.not_run == {}
    assert verdict.differences == []
    integers = 12 * 10 + 2 * 4 * 12 * (4 * 36 + 8)
    assert verdict.compared == dict.fromkeys(EXECUTORS[1:], integers)
    assert (verdict.samples, verdict.steps) == (12, 4)
    assert set(verdict.seconds) == set(EXECUTORS)
    own = snn2hw.verify(loaded)
    assert own.equal
    assert set(own.compared) == {"onnxruntime", "vectors.npz"}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_gives_the_trace_of_the_law(artefact: snn2hw.Artefact, images: Any, executor: str) -> None:
    law, got = (snn2hw.simulate(artefact, images, executor=e).arrays() for e in ("reference", executor))
    assert got.keys() == law.keys()
    assert all(got[k].dtype == np.int64 and np.array_equal(got[k], law[k]) for k in law)


def test_torch_tensors_and_arrays_are_taken_alike(artefact: snn2hw.Artefact, images: Any) -> None:
    again = snn2hw.compile(model(), images[:8].numpy().astype(np.float64), 4, "loihi2")
    assert again.model == artefact.model
    forms = [images, images.double(), images.numpy(), images.numpy().tolist(), images.requires_grad_(False)]
    readouts = [snn2hw.simulate(artefact, x).readout for x in forms]
    assert all(np.array_equal(r, readouts[0]) for r in readouts)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_])
def test_integers_are_real_values(artefact: snn2hw.Artefact, images: Any, dtype: type) -> None:
    x = images.numpy().round()
    np.testing.assert_array_equal(snn2hw.simulate(artefact, x.astype(dtype)).readout, snn2hw.simulate(artefact, x).readout)


def test_an_image_of_8_bits_is_no_sample_from_0_to_1(artefact: snn2hw.Artefact) -> None:
    x = np.full((2, 1, 6, 6), 255, np.uint8)
    x[0] = 0
    with refused(
        ValueRangeError,
        """
        the input is outside its declared range
          where:    input 'input'
          got:      0 to 255
          expected: 0 to 1
          do:       scale the samples as in training, or compile again with a sample or input_range that covers them
        """,
    ):
        snn2hw.simulate(artefact, x)
    snn2hw.simulate(artefact, x / 255)


def test_the_readout_stands_for_the_logits_of_the_model(artefact: snn2hw.Artefact, images: Any) -> None:
    made = model().double().eval()
    with torch.no_grad():
        logits = made(nn.repeat(images.double(), steps=4)).sum(0).numpy()
    real = run_real(snn2hw.trace_model(model(), images, 4), images.double().numpy())
    np.testing.assert_allclose(real, logits, rtol=0, atol=1e-12)
    got = snn2hw.simulate(artefact, images).readout * 2.0**-artefact.network.readout.format.frac
    assert np.abs(got - logits).mean() < 0.2 * np.abs(logits).mean()


def test_without_traces_only_the_readout_is_kept(artefact: snn2hw.Artefact, images: Any) -> None:
    for executor in EXECUTORS:
        trace = snn2hw.simulate(artefact, images, executor=executor, traces=False)
        assert (trace.spikes, trace.states) == ({}, {})
        np.testing.assert_array_equal(trace.readout, snn2hw.simulate(artefact, images).readout)


def test_more_samples_than_a_batch_are_run_in_parts(artefact: snn2hw.Artefact) -> None:
    many = np.random.default_rng(3).random((150, 1, 6, 6))
    seen: list[tuple[str, int, int]] = []
    trace = snn2hw.simulate(artefact, many, progress=lambda *a: seen.append(a))
    assert seen == [("reference", 64, 150), ("reference", 128, 150), ("reference", 150, 150)]
    np.testing.assert_array_equal(trace.readout[140:], snn2hw.simulate(artefact, many[140:]).readout)
    np.testing.assert_array_equal(trace.spikes["6"][:, 140:], snn2hw.simulate(artefact, many[140:]).spikes["6"])


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor, lambda x: x.astype(np.float32), lambda x: x.astype(np.uint8)])
def test_events_are_temporal_samples(convert: Any) -> None:
    x = convert(events())
    artefact = snn2hw.compile(event_model(), sample=x, target="generic")
    assert (artefact.network.steps, artefact.network.input.static, artefact.network.input.counts) == (5, False, True)
    trace = snn2hw.simulate(artefact, x)
    assert trace.spikes["1"].shape == (5, 6, 9)
    assert trace.spikes["1"].any()
    assert snn2hw.verify(artefact, x, EXECUTORS).equal
    reversed_in_time = snn2hw.simulate(artefact, convert(events()[::-1].copy()))
    assert not np.array_equal(trace.readout, reversed_in_time.readout)


def test_currents_are_quantised_over_their_range() -> None:
    x = np.random.default_rng(0).normal(0, 0.5, (4, 5, 7)).clip(-1, 1)
    artefact = snn2hw.compile(event_model(), sample=x, input_range=(-1, 1))
    source = artefact.network.input
    assert (source.static, source.counts, str(source.interval)) == (False, False, "[-127, 127]")
    assert snn2hw.verify(artefact, x, EXECUTORS).equal


def test_options_change_the_widths(images: Any) -> None:
    wide, narrow = (snn2hw.compile(model(), images, 4, options=snn2hw.Options(state_bits=b)) for b in (20, 10))
    # The second fires at the end of its range, which it therefore keeps.
    assert [str(n.program.states["u"].format) for n in wide.network.neurons] == ["s20.17", "s20.16"]
    assert [str(n.program.states["u"].format) for n in narrow.network.neurons] == ["s10.7", "s10.6"]


def test_progress_names_the_passes(images: Any) -> None:
    seen: list[str] = []
    snn2hw.compile(model(), images, 4, progress=lambda p: seen.append(p.name))
    assert seen == ["fold", "capacity", "calibrate", "quantise", "lower", "narrow", "legalise"]


def test_a_network_of_the_real_stage_is_compiled_too(artefact: snn2hw.Artefact, images: Any) -> None:
    real = snn2hw.trace_model(model(), images[:8], 4)
    assert snn2hw.compile(real, images[:8], target="loihi2").model == artefact.model


def test_the_model_is_left_as_it_was(images: Any) -> None:
    made = model().train()
    before = {k: v.clone() for k, v in made.state_dict().items()}
    snn2hw.compile(made, images, 4)
    assert made.training
    assert all(torch.equal(v, before[k]) for k, v in made.state_dict().items())


# what is refused


def test_an_unknown_target(images: Any) -> None:
    with refused(
        TargetError,
        f"""
        unknown target
          got:      'loihi3'
          expected: {", ".join(target_names())}
          do:       did you mean 'loihi2'? else name one of these, or the path of a TOML file of your own (see `snn2hw targets`)
        """,
    ):
        snn2hw.compile(model(), images, 4, target="loihi3")


def test_an_unknown_executor(artefact: snn2hw.Artefact, images: Any) -> None:
    for call in (lambda: snn2hw.simulate(artefact, images, executor="fpga"), lambda: snn2hw.verify(artefact, images, ("fpga",))):
        with refused(
            UsageError,
            """
            unknown executor
              got:      'fpga'
              expected: reference, fast, onnxruntime, onnx-reference, torch, lava, rtl
              do:       name one of these
            """,
        ):
            call()


def test_wrong_shapes(artefact: snn2hw.Artefact, images: Any) -> None:
    with refused(
        ShapeError,
        """
        the samples have another shape than the network's input
          where:    input 'input'
          got:      [12, 6, 6]
          expected: [N, ...] with one sample [1, 6, 6]
          do:       reshape the samples; the layout is N first for static input
        """,
    ):
        snn2hw.simulate(artefact, images[:, 0])


def test_wrong_number_of_steps() -> None:
    artefact = snn2hw.compile(event_model(), events())
    with refused(
        ShapeError,
        """
        wrong number of steps
          where:    input 'input'
          got:      T = 4
          expected: T = 5
          do:       bin the events into as many steps as the network was compiled for, or compile it for these
        """,
    ):
        snn2hw.simulate(artefact, events(4))


def test_no_samples(artefact: snn2hw.Artefact, images: Any) -> None:
    with refused(
        ShapeError,
        """
        there are no samples
          where:    input 'input'
          got:      [0, 1, 6, 6]
          expected: [N, ...] with one sample [1, 6, 6]
          do:       give at least one sample
        """,
    ):
        snn2hw.verify(artefact, images[:0])


@pytest.mark.parametrize(("bad", "got"), [(1.5, "0.5 to 1.5"), (-0.25, "-0.25 to 0.5")])
def test_values_outside_the_range(artefact: snn2hw.Artefact, bad: float, got: str) -> None:
    x = np.full((2, 1, 6, 6), 0.5)
    x[1, 0, 3, 3] = bad
    with refused(
        ValueRangeError,
        f"""
        the input is outside its declared range
          where:    input 'input'
          got:      {got}
          expected: 0 to 1
          do:       scale the samples as in training, or compile again with a sample or input_range that covers them
        """,
    ):
        snn2hw.simulate(artefact, x)


def test_counts_outside_the_range_and_fractions_of_counts() -> None:
    artefact = snn2hw.compile(event_model(), events().clip(0, 3))
    with pytest.raises(ValueRangeError) as caught:
        snn2hw.simulate(artefact, events().clip(0, 3) * 2)
    assert (caught.value.got, caught.value.expected) == ("0 to 6", "0 to 3")
    with refused(
        ValueRangeError,
        """
        event counts are whole numbers
          where:    input 'input'
          got:      210 fractional values
          expected: 0, 1, 2, ...
          do:       feed counts, or compile with input_range=(lo, hi) to have currents quantised to 8 bits
        """,
    ):
        snn2hw.simulate(artefact, np.full((5, 6, 7), 0.5))


def test_nan_in_the_samples(artefact: snn2hw.Artefact) -> None:
    x = np.full((2, 1, 6, 6), 0.5)
    x[0, 0, 0, :2] = np.nan
    with refused(
        ValueRangeError,
        """
        the samples hold NaN or Inf
          where:    input 'input'
          got:      2 of 72 values
          expected: finite numbers
          do:       clean the data
        """,
    ):
        snn2hw.verify(artefact, x)


def test_an_executor_that_is_not_installed(artefact: snn2hw.Artefact, images: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "onnxruntime" else find(name, *a))
    reason = "the package 'onnxruntime' is not installed: pip install 'snn2hw[run]'"
    with refused(
        ExecutorUnavailableError,
        f"""
        the executor 'onnxruntime' is not available
          got:      {reason}
          do:       install it, or choose another executor
        """,
    ):
        snn2hw.simulate(artefact, images, executor="onnxruntime")
    verdict = snn2hw.verify(artefact, images, EXECUTORS)
    assert verdict.not_run == {"onnxruntime": reason}
    assert verdict.equal
    assert set(verdict.compared) == {"onnx-reference", "torch"}
    with refused(
        ExecutorUnavailableError,
        f"""
        no executor that was asked for can run here
          got:      onnxruntime: {reason}
          expected: at least one executor to compare with the reference
          do:       install what is missing
        """,
    ):
        snn2hw.verify(artefact, images, ("reference", "onnxruntime"))


@pytest.mark.parametrize(("executors", "got"), [(("reference",), "executors reference"), ((), "executors none")])
def test_comparing_nothing_is_refused(artefact: snn2hw.Artefact, images: Any, executors: tuple[str, ...], got: str) -> None:
    with refused(
        UsageError,
        f"""
        there is nothing to compare
          got:      {got}
          expected: at least one besides the reference
          do:       name another executor: --executors reference,onnxruntime
        """,
    ):
        snn2hw.verify(artefact, images, executors)


@pytest.mark.filterwarnings("ignore:this layer saturates")  # currents of 10, and weights for events of 1
def test_whole_currents_mean_the_same_to_compile_and_to_simulate() -> None:
    x = np.random.default_rng(0).integers(0, 11, (4, 5, 7))
    artefact = snn2hw.compile(event_model(), sample=x, input_range=(0, 10))
    assert artefact.model == snn2hw.compile(event_model(), sample=x.astype(float), input_range=(0, 10)).model
    np.testing.assert_array_equal(snn2hw.simulate(artefact, x).readout, snn2hw.simulate(artefact, x.astype(float)).readout)
