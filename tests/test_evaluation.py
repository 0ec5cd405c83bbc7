"""What `snn2hw.evaluate` says of a compiled network: against labels, and against the float model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw import Evaluation
from snn2hw.errors import ShapeError, Snn2hwWarning, UsageError, ValueRangeError
from snn2hw.ir.real import run_real
from snn2hw.user_models import find_model
from tests.hand_networks import every_kind, every_kind_sample
from tests.refused import refused

torch = pytest.importorskip("torch")
from snn2hw import nn  # noqa: E402

pytestmark = pytest.mark.torch

X = np.random.default_rng(0).random((6, 40, 16)) < 0.4  # [T, N, F]


def model(outputs: int = 3) -> Any:
    torch.manual_seed(0)
    made: Any = nn.Sequential(nn.Linear(16, 12), nn.LIF(0.5), nn.Linear(12, outputs)).eval()
    with torch.no_grad():
        made[0].weight.mul_(3)
    return made


def logits(made: Any, x: Any = X) -> Any:
    with torch.no_grad():
        return made.double()(torch.as_tensor(x).double()).sum(0).numpy()


@pytest.mark.parametrize("name", ["digits_lnm", pytest.param("digits_cf", marks=pytest.mark.slow)])
def test_the_models_that_come_with_it(name: str) -> None:
    """Their accuracies, float and integer, are those that the README shows of the first."""
    found = find_model(name, sampled=True)
    assert found.source is not None
    images, labels = found.source.test_data()
    artefact = snn2hw.compile(found.module, found.sample, found.steps, target="loihi2")
    got = snn2hw.evaluate(artefact, images, labels, found.module)
    shown = [line.replace("|", " ").split() for line in Path("README.md").read_text(encoding="utf-8").splitlines()]
    assert ["float", "accuracy", f"{100 * got.float_accuracy:.2f}", "%"] in shown  # type: ignore[operator]
    assert ["integer", "accuracy", f"{100 * got.accuracy:.2f}", "%"] in shown  # type: ignore[operator]
    assert got.samples == 360
    assert got.first_unexplained is None
    assert got.findings == ()
    assert got.same_prediction == 1.0
    assert all(0 < (each.own_mismatch or 0) < 0.02 for each in got.layers.values())
    trace = snn2hw.simulate(artefact, images)
    assert got.accuracy == (trace.predictions == labels.numpy()).mean()


def test_against_labels_and_the_float_model() -> None:
    made = model()
    artefact = snn2hw.compile(made, X)
    labels = np.random.default_rng(1).integers(0, 3, 40)
    got = snn2hw.evaluate(artefact, X, labels, made)
    trace, by_float = snn2hw.simulate(artefact, X), logits(made)
    assert got.accuracy == (trace.predictions == labels).mean()
    assert got.float_accuracy == (by_float.argmax(1) == labels).mean()
    assert got.same_prediction == (by_float.argmax(1) == trace.predictions).mean()
    np.testing.assert_allclose(got.readout_error, np.sqrt(np.mean((trace.readout * artefact.scale - by_float) ** 2)), rtol=1e-6)
    np.testing.assert_allclose(got.readout_size, np.sqrt(np.mean(by_float**2)), rtol=1e-6)
    assert got.layers["1"].rate == (trace.spikes["1"] != 0).mean()
    assert (got.mean_squared_error, got.samples, got.steps, got.scale) == (None, 40, 6, artefact.scale)


def test_every_executor_and_every_batch_size_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    artefact = snn2hw.compile(made, X)
    labels = np.zeros(40, int)
    seen: list[Evaluation] = [snn2hw.evaluate(artefact, X, labels, made, e) for e in ("reference", "torch", "onnx-reference")]
    calls: list[tuple[str, int, int]] = []
    monkeypatch.setattr("snn2hw.evaluation.batch_size", lambda net: 15)
    seen.append(snn2hw.evaluate(artefact, X, labels, made, "reference", progress=lambda *call: calls.append(call)))
    assert [e.executor for e in seen] == ["reference", "torch", "onnx-reference", "reference"]
    assert all(e.layers["1"] == seen[0].layers["1"] and e.same_prediction == seen[0].same_prediction for e in seen[:3])
    np.testing.assert_allclose(seen[3].layers["1"].sum_error, seen[0].layers["1"].sum_error)
    assert calls == [("reference", 15, 40), ("reference", 30, 40), ("reference", 40, 40)]


def test_a_loaded_artefact_has_no_float_side_until_the_model_is_given(tmp_path: Path) -> None:
    real = snn2hw.trace_model(model(), X)
    snn2hw.compile(real, X, out=tmp_path / "net")
    loaded = snn2hw.load(tmp_path / "net")
    alone, both = snn2hw.evaluate(loaded, X), snn2hw.evaluate(loaded, X, model=real)
    assert (alone.accuracy, alone.float_accuracy, alone.same_prediction, alone.readout_error) == (None,) * 4
    assert alone.layers["1"].float_rate is None
    assert alone.layers["1"].rate == both.layers["1"].rate > 0
    assert both.layers["1"].own_mismatch is not None
    assert snn2hw.evaluate(loaded, X, model=model()).layers["1"] == both.layers["1"]


@pytest.mark.parametrize("outputs", [1, 2])
def test_real_labels_are_compared_in_the_units_of_the_model(outputs: int) -> None:
    made = model(outputs)
    artefact = snn2hw.compile(made, X)
    wanted = np.random.default_rng(2).normal(size=(40, outputs))
    got = snn2hw.evaluate(artefact, X, wanted, made)
    values, by_float = snn2hw.simulate(artefact, X).readout * artefact.scale, logits(made)
    np.testing.assert_allclose(got.mean_squared_error, np.mean((values - wanted) ** 2))
    np.testing.assert_allclose(got.float_mean_squared_error, np.mean((by_float - wanted) ** 2), rtol=1e-6)
    assert abs(got.mean_squared_error - got.float_mean_squared_error) < 0.05  # type: ignore[operator]
    assert got.accuracy is got.float_accuracy is None
    assert (got.same_prediction is None) == (outputs == 1)
    if outputs == 1:  # whole numbers of one output are values, too
        assert snn2hw.evaluate(artefact, X, np.full(40, 3)).mean_squared_error == pytest.approx(np.mean((values - 3) ** 2))


def test_a_mean_over_the_steps_is_in_the_units_of_the_model() -> None:
    class Mean(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.layers = model()

        def forward(self, x: Any) -> Any:
            return self.layers(x).mean(0)

    made = Mean().eval()
    artefact = snn2hw.compile(made, X)
    by_float = logits(model()) / 6
    got = snn2hw.evaluate(artefact, X, by_float, made)
    assert got.float_mean_squared_error == pytest.approx(0, abs=1e-10)
    np.testing.assert_allclose(np.sqrt(got.mean_squared_error), got.readout_error, rtol=1e-4)
    assert 0 < got.readout_error < 0.05 * np.abs(by_float).max()  # type: ignore[operator]


class Two(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Two outputs: three classes, and one real value."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.kind, self.size = model()[:2], nn.Linear(12, 3), nn.Linear(12, 1)

    def forward(self, x: Any) -> Any:
        x = self.body(x)
        return {"kind": self.kind(x), "size": self.size(x)}


def test_several_outputs() -> None:
    torch.manual_seed(1)
    made: Any = Two().eval()
    artefact = snn2hw.compile(made, X)
    trace = snn2hw.simulate(artefact, X)
    labels = np.random.default_rng(1).integers(0, 3, 40)
    outputs = artefact.outputs(trace.readout)
    got = snn2hw.evaluate(artefact, X, labels, made, output="kind")
    assert got.accuracy == (outputs["kind"].argmax(1) == labels).mean()
    size = snn2hw.evaluate(artefact, X, labels, made, output="size")
    assert size.mean_squared_error == pytest.approx(np.mean((outputs["size"][:, 0] * artefact.scale - labels) ** 2))
    assert size.same_prediction is None
    both = snn2hw.evaluate(artefact, X, model=made)
    assert both.same_prediction == got.same_prediction
    with refused(
        UsageError,
        """
        a network with several outputs has no accuracy over all of them
          got:      labels, and kind (3 values), size (1 values)
          expected: the output that the labels are of
          do:       give output='kind' (--output), and evaluate each output with labels of its own
        """,
    ):
        snn2hw.evaluate(artefact, X, labels)
    with refused(
        UsageError,
        """
        the network has no output of this name
          got:      'place'
          expected: kind, size
          do:       name one of these
        """,
    ):
        snn2hw.evaluate(artefact, X, labels, output="place")


def test_labels_of_samples_whose_axes_are_read_the_other_way_say_so() -> None:
    artefact = snn2hw.compile(model(), X, layout="TN")
    with refused(
        ShapeError,
        """
        labels and samples do not fit together
          where:    labels
          got:      labels [6], 40 samples: [6, 40, 16], read as [T, N, ...]
          expected: one label for every sample: [40] of classes, [40, 3] of real values
          do:       give layout="NT" (--layout NT) for [N, T, ...]; compile or explore with steps=T for [N, ...]
        """,
    ):
        snn2hw.evaluate(artefact, X, np.zeros(6, int), layout="TN")


ARTEFACT = snn2hw.compile(every_kind(), every_kind_sample(8))


@pytest.mark.parametrize(
    ("labels", "kind", "text"),
    [
        (
            np.zeros(4, int),
            ShapeError,
            """
            labels and samples do not fit together
              where:    labels
              got:      labels [4], 5 samples
              expected: one label for every sample: [5] of classes, [5, 4] of real values
              do:       give one label for every sample, in their order
            """,
        ),
        (
            np.array([0, 1, 4, 0, 0]),
            ValueRangeError,
            """
            a label is out of range
              where:    labels, sample 2
              got:      4
              expected: 0..3: output 'readout' has 4 classes
              do:       correct the label, or evaluate the model that has this class
            """,
        ),
        (
            np.zeros(5),
            ShapeError,
            """
            real labels do not fit the readout
              where:    labels
              got:      [5] of float64
              expected: [5, 4], a real number for each value of the readout; or whole numbers [5], classes
              do:       give labels.astype(int) where they are classes, or labels.argmax(1) of one-hot ones
            """,
        ),
        (
            np.eye(5, 4, dtype=int),
            UsageError,
            """
            whole numbers with two axes are neither classes nor real values
              where:    labels
              got:      [5, 4] of int64
              expected: whole numbers [5], classes; or real numbers [5, 4]
              do:       give labels.argmax(1) of one-hot labels, or labels.astype(float) where they are values
            """,
        ),
        (
            np.full((5, 4), np.nan),
            ValueRangeError,
            """
            the labels hold NaN or Inf
              where:    labels
              got:      20 of 20 values
              expected: finite numbers
              do:       clean the data
            """,
        ),
    ],
)
def test_labels_that_do_not_fit(labels: Any, kind: type[Exception], text: str) -> None:
    with refused(kind, text):  # type: ignore[arg-type]
        snn2hw.evaluate(ARTEFACT, every_kind_sample(5), labels)


def test_another_model_is_refused() -> None:
    artefact = snn2hw.compile(model(), X)
    with refused(
        UsageError,
        """
        this is not the model that the network was compiled from
          where:    model
          got:      readout [2], not [3]
          expected: the input, the steps, the neuron layers and the readout of the compiled network
          do:       give the model that was compiled, or leave it out: the integers are then measured alone
        """,
    ):
        snn2hw.evaluate(artefact, X, model=model(2))
    other = nn.Sequential(nn.Linear(16, 12), nn.Flatten(), nn.LIF(), nn.Linear(12, 3)).eval()
    with pytest.raises(UsageError, match="neuron layer 1 shape"):
        snn2hw.evaluate(artefact, X, model=nn.Sequential(nn.Linear(16, 9), nn.LIF(), nn.Linear(9, 3)).eval())
    with pytest.raises(UsageError, match="neuron layer 1"):
        snn2hw.evaluate(artefact, X, model=other)
    with pytest.raises(UsageError, match="this model is integers itself"):
        snn2hw.evaluate(artefact, X, model=artefact.network)  # type: ignore[arg-type]


def test_one_outlier_weight_kills_the_layer_behind() -> None:
    """An outlier at 4 bits per layer takes all other weights: the layer that is silent then is named, with the reason."""
    torch.manual_seed(0)
    made: Any = nn.Sequential(nn.Linear(16, 96), nn.LIF(0.5), nn.Linear(96, 16), nn.LIF(0.5), nn.Linear(16, 4)).eval()
    with torch.no_grad():
        made[0].weight.mul_(3)
        made[2].weight.mul_(6)
        made[2].bias.zero_()
        made[2].weight[0, 0] = -60.0
    with pytest.warns(Snn2hwWarning):
        artefact = snn2hw.compile(made, X, options=snn2hw.Options(weight_bits=4, scales="layer"))
    got = snn2hw.evaluate(artefact, X, model=made)
    assert got.layers["3"].dead
    assert got.layers["3"].died
    assert not got.layers["1"].dead
    died = next(f for f in got.findings if f.what.startswith("this layer has died"))
    assert died.where == "3 (LIF)"
    assert "it is the rounding of this layer" in died.cause
    assert 'scales="channel"' in died.remedy


def test_a_layer_at_the_bounds_of_its_range_is_named() -> None:
    made = model()
    with torch.no_grad():
        made[0].weight.abs_().mul_(8)
    with pytest.warns(Snn2hwWarning, match="this layer saturates"):
        artefact = snn2hw.compile(made, X)
    got = snn2hw.evaluate(artefact, X, model=made)
    assert got.layers["1"].saturation > 0.5
    assert got.layers["1"].float_saturation == pytest.approx(got.layers["1"].saturation, abs=0.01)
    saturated = next(f for f in got.findings if f.what.startswith("this layer saturates"))
    assert (saturated.where, saturated.cause) == (
        "1 (LIF)", "its state range is too small for what enters, in the float network as well",
    )  # fmt: skip


def test_the_document_is_json(tmp_path: Path) -> None:
    import json

    said = json.loads(json.dumps(snn2hw.evaluate(ARTEFACT, every_kind_sample(5), np.zeros(5, int), every_kind()).to_document()))
    assert said["samples"] == 5
    assert said["first_unexplained"] is None
    assert set(said["layers"]) == {n.name for n in ARTEFACT.network.neurons}
    assert said["layers"]["lnm"]["dead"] is False


def test_a_network_of_the_float_stage_is_the_model_itself() -> None:
    got = snn2hw.evaluate(ARTEFACT, every_kind_sample(5), model=every_kind())
    by_float = run_real(every_kind(), every_kind_sample(5))
    assert got.same_prediction == (by_float.argmax(1) == snn2hw.simulate(ARTEFACT, every_kind_sample(5)).predictions).mean()
