"""Which axis of samples is time: stated, told by the steps of the network, or taken with a word about it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ShapeError, Snn2hwWarning, UsageError
from snn2hw.ir.layout import read_as
from snn2hw.ir.network import Network
from tests.hand_networks import counts, lif, linear, readout
from tests.hand_networks import network as of_shape
from tests.refused import refused


def read(shape: tuple[int, ...], layout: str | None = None, steps: int | None = None, static: bool = False) -> tuple[int, ...]:
    return read_as(np.zeros(shape), layout, steps, static=static, stacklevel=1).shape


@pytest.mark.parametrize(
    ("shape", "steps"),
    [
        ((6, 8, 5), None), ((4, 64, 5), None), ((7, 1, 5), None), ((6, 6, 5), None), ((8, 4, 5), None), ((40, 40, 5), None),
        ((6, 8, 5), 6), ((40, 6, 5), 40), ((6, 1, 5), 6),
    ],
)  # fmt: skip
def test_the_common_case_is_taken_without_a_word(shape: tuple[int, ...], steps: int | None) -> None:
    """Fewer steps than samples, a few steps, a single sample, or the steps of the network; warnings are errors here."""
    assert read(shape, None, steps) == shape


def walks(t: int, n: int) -> Any:
    """[T, N, 5]: every sample goes its own way, in small steps."""
    return np.cumsum(np.random.default_rng(0).normal(size=(t, n, 5)), axis=0) + 10 * np.random.default_rng(1).normal(size=(n, 5))


@pytest.mark.parametrize(("t", "n"), [(100, 8), (100, 64), (8, 100), (40, 40), (3, 6)])
def test_values_tell_which_axis_is_time(t: int, n: int) -> None:
    """Steps of a sample are alike, neighbouring samples are not: whatever the numbers are."""
    x = walks(t, n)
    for steps in (None, t):
        assert read_as(x, None, steps, static=False, stacklevel=1) is x
    turned = x.swapaxes(0, 1)
    with pytest.warns(Snn2hwWarning, match="values change less along the second axis"):
        read_as(turned, None, None, static=False, stacklevel=1)


@pytest.mark.parametrize(("shape", "steps"), [((64, 20, 5), None), ((16, 15, 5), None), ((1, 20, 5), None), ((6, 6, 5), 6)])
def test_where_the_other_reading_is_as_likely_both_are_named(shape: tuple[int, ...], steps: int | None) -> None:
    with pytest.warns(Snn2hwWarning, match="nobody said which axis is time") as told:
        assert read(shape, None, steps) == shape
    assert len(told) == 1
    text = str(told[0].message)
    assert f"{list(shape)}, taken as [T, N, ...]: {shape[0]} step" in text
    assert f'layout="NT" for [N, T, ...]: {shape[0]} sample' in text
    assert read(shape, "TN", steps) == shape
    assert read(shape, "NT", steps) == (shape[1], shape[0], *shape[2:])


def test_samples_of_one_value_have_a_layout_too() -> None:
    assert read((4, 8), "NT") == (8, 4)
    assert read((4, 8)) == (4, 8)


def test_the_whole_warning() -> None:
    with pytest.warns(Snn2hwWarning) as told:
        read((64, 20, 5))
    assert str(told[0].message) == (
        "the samples could be meant the other way about: nobody said which axis is time\n"
        "  where:    samples\n"
        "  got:      [64, 20, 5], taken as [T, N, ...]: 64 steps of 20 samples [5]\n"
        '  expected: layout="TN" for this; layout="NT" for [N, T, ...]: 64 samples of 20 steps\n'
        "  cause:    there are more steps than samples\n"
        "  do:       state the layout (--layout on the command line)"
    )


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((64, 1, 8, 8), "64 steps of 1 sample"), ((2, 1, 4, 4), "2 steps of 1 sample"), ((64, 3, 8, 8), "64 steps of 3 samples"),
        ((1, 3, 8, 8), "1 step of 3 samples"), ((1, 1, 8, 8), "1 step of 1 sample"),
    ],
)  # fmt: skip
def test_images_are_asked_for_steps(shape: tuple[int, ...], said: str) -> None:
    with pytest.warns(Snn2hwWarning, match="look like images") as told:
        assert read(shape) == shape
    (text,) = [str(w.message) for w in told]
    assert f"{list(shape)}, taken as [T, N, ...]: {said}\n" in text
    assert 'steps=T for images [N, C, H, W], each shown T times; layout="TN" for this' in text
    assert f"the second axis has {shape[1]}, as that of {'gray' if shape[1] == 1 else 'colour'} images has" in text
    assert read(shape, "TN") == read(shape, static=True) == shape
    assert read(shape, "NT") == (shape[1], shape[0], *shape[2:])
    assert read(shape, steps=shape[0]) == shape  # where the network says how many there are


@pytest.mark.parametrize(
    "shape", [(64, 1, 2, 8, 8), (6, 2, 8, 8), (6, 4, 8, 8), (6, 1, 64), (6, 3, 3, 64), (6, 1, 64, 3), (0, 1, 8, 8)]
)
def test_events_and_vectors_are_no_images(shape: tuple[int, ...]) -> None:
    assert read(shape) == shape


def test_values_tell_that_frames_are_no_images() -> None:
    x = walks(20, 3).repeat(4, 2).reshape(20, 3, 4, 5)
    assert read_as(x, None, None, static=False, stacklevel=1) is x


def test_static_samples_have_no_layout() -> None:
    assert read((64, 20), static=True) == (64, 20)
    with refused(
        UsageError,
        """
        samples that are shown T times have no axis of time
          where:    layout
          got:      layout='NT'
          expected: none: the samples are [N, ...]
          do:       leave layout out, or steps where the samples are temporal
        """,
    ):
        read((64, 20), "NT", static=True)


def test_another_layout_is_refused() -> None:
    with refused(
        UsageError,
        """
        unknown layout
          where:    layout
          got:      'BT'
          expected: 'TN' for [T, N, ...], 'NT' for [N, T, ...]
          do:       name one of these, or leave it out
        """,
    ):
        read((4, 8, 3), "BT")
    with pytest.raises(ShapeError, match="need the axes of steps and samples"):
        read((4,), "NT")


STEPS = 5
X = (np.random.default_rng(0).random((STEPS, 7, 4)) < 0.5).astype(np.float64)  # [T, N, F]


def network() -> Network:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(6, 4)), rng.normal(size=(3, 6))
    nodes = (counts(4), linear("fc", "input", weights[0]), lif("n", "fc"), linear("head", "n", weights[1]), readout("head"))
    return of_shape(STEPS, *nodes)


def test_every_verb_takes_both_layouts(tmp_path: Path) -> None:
    """[N, T, F] with layout="NT" is the same as [T, N, F] without."""
    other = np.swapaxes(X, 0, 1)
    artefact = snn2hw.compile(network(), X, out=tmp_path / "net")
    assert snn2hw.compile(network(), other, layout="NT").model == artefact.model
    trace = snn2hw.simulate(artefact, X)
    for given in (other, iter([other[:3], other[3:]])):
        got = snn2hw.simulate(artefact, given, layout="NT")
        assert (got.readout == trace.readout).all()
        assert (got.spikes["n"] == trace.spikes["n"]).all()
    verdict = snn2hw.verify(artefact, other, ("reference", "onnx-reference"), layout="NT")
    assert verdict.equal
    assert (verdict.samples, verdict.steps) == (7, STEPS)
    labels = np.arange(7) % 3
    assert (
        snn2hw.evaluate(artefact, other, labels, network(), "reference", layout="NT").to_document()
        == snn2hw.evaluate(artefact, X, labels, network(), "reference").to_document()
    )


@pytest.mark.parametrize("verb", ["compile", "simulate", "evaluate", "verify"])
def test_other_steps_than_the_networks_name_the_reading_that_fits(verb: str) -> None:
    artefact, other = snn2hw.compile(network(), X), np.swapaxes(X, 0, 1)
    calls: dict[str, Any] = {
        "compile": lambda: snn2hw.compile(network(), other),
        "simulate": lambda: snn2hw.simulate(artefact, other),
        "evaluate": lambda: snn2hw.evaluate(artefact, other),
        "verify": lambda: snn2hw.verify(artefact, other),
    }
    with refused(
        ShapeError,
        """
        wrong number of steps
          where:    input 'input'
          got:      T = 7: [7, 5, 4], read as [T, N, ...]
          expected: T = 5
          do:       give layout="NT" (--layout NT) where they are [N, T, ...]: 7 samples of 5 steps
        """,
    ):
        calls[verb]()


def test_where_n_is_t_a_compiled_network_warns_once() -> None:
    artefact = snn2hw.compile(network(), X)
    square = X[:, :STEPS]
    for verb in (snn2hw.simulate, snn2hw.verify, snn2hw.evaluate):
        with pytest.warns(Snn2hwWarning, match="5 samples of 5 steps") as told:
            verb(artefact, square)  # type: ignore[operator]
        assert [w.filename for w in told] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            verb(artefact, square, layout="TN")  # type: ignore[operator]


def test_a_torch_model_is_compiled_for_the_steps_of_the_layout() -> None:
    """[N, T, F] in the place of [T, N, F] builds another network: said in both numbers, and right with the layout."""
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(4, 6), nn.LIF(0.5), nn.Linear(6, 3)).eval()
    x = np.random.default_rng(0).random((64, 20, 4)) < 0.5  # [N, T, F]
    with pytest.warns(Snn2hwWarning, match="64 steps of 20 samples") as told:
        assert snn2hw.compile(model, x).network.steps == 64
    assert [w.filename for w in told] == [__file__]
    artefact = snn2hw.compile(model, x, layout="NT")
    assert artefact.network.steps == 20
    assert len(snn2hw.simulate(artefact, x, layout="NT").predictions) == 64
    assert snn2hw.compile(model, x.swapaxes(0, 1)).model == artefact.model
    assert snn2hw.trace_model(model, x, layout="NT").steps == 20
    from snn2hw.quantize import prepare

    assert prepare(model, x, layout="NT").steps == 20
    got = snn2hw.evaluate(artefact, x, np.zeros(64, int), model, "reference", layout="NT")
    assert (got.samples, got.steps) == (64, 20)
