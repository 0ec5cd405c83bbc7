"""Signals, transposed convolutions, larger images, concatenations, gates, constants, norms before layers, readouts, outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from snn2hw import nn, trace_model  # noqa: E402
from snn2hw.backends import EXECUTORS  # noqa: E402
from snn2hw.errors import UnsupportedError  # noqa: E402
from snn2hw.ir.real import run_real  # noqa: E402
from snn2hw.quantize import prepare  # noqa: E402
from snn2hw.verification.verdict import why_not  # noqa: E402

pytestmark = pytest.mark.torch

STEPS, SAMPLES = 4, 3
Made = torch.nn.Module


class Body(torch.nn.Module):
    """`forward(self, x)` as given, over layers as given."""

    def __init__(self, forward: Callable[[Any, Any], Any], **layers: Any) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.body = forward

    def forward(self, x: Any) -> Any:
        return self.body(self, x)


def lif(threshold: float) -> Made:
    return nn.LIF(0.5, threshold=threshold)


def head(features: int) -> dict[str, Made]:
    return {"flat": nn.Flatten(), "out": nn.Linear(features, 3)}


def norm(made: Any) -> Any:
    with torch.no_grad():
        for name, scale, shift in (
            ("weight", 0.5, 1.0),
            ("bias", -0.4, 0.4),
            ("running_mean", -0.3, 0.3),
            ("running_var", 0.5, 2.0),
        ):
            getattr(made, name).uniform_(scale, shift)
    return made


def image(channels: int, **layers: Made) -> dict[str, Made]:
    """A convolution and a neuron of so many channels before the rest."""
    return {"conv": nn.Conv2d(2, channels, 3, padding=1), "n": nn.LIF(0.6, threshold=0.5), **layers}


def signal(**layers: Made) -> dict[str, Made]:
    return {"conv": nn.Conv1d(2, 4, 3, padding=1), "n": nn.LIF(0.6, threshold=0.4), **layers}


def parameter(*shape: int) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.rand(shape) - 0.3)


# Shape of a sample at one step, and what makes the model.
CASES: dict[str, tuple[tuple[int, ...], Callable[[], Made]]] = {
    "Conv1d of any kernel, stride, dilation and groups": (
        (2, 11),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.n(m.conv(x)))))),
            **signal(two=nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), m=lif(0.3)),
            **head(36),
        ),
    ),
    "Conv1d of one place on a signal": (
        (2, 7),
        lambda: Body(lambda m, x: m.out(m.flat(m.n(m.conv(x)))), conv=nn.Conv1d(2, 3, 1), n=lif(0.2), **head(21)),
    ),
    "pools along a signal": (
        (2, 12),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.avg(m.max(m.n(m.conv(x)))))))),
            **signal(max=nn.MaxPool1d(2), avg=nn.AvgPool1d(3, 1), two=nn.Conv1d(4, 2, 1), m=lif(0.2)),
            **head(8),
        ),
    ),
    "BatchNorm1d on a signal": (
        (2, 6),
        lambda: Body(lambda m, x: m.out(m.flat(m.n(m.bn(m.conv(x))))), **signal(bn=norm(nn.BatchNorm1d(4))), **head(24)),
    ),
    "Conv1d behind a flattened image": (
        (2, 4, 3),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.n(m.conv(x)).flatten(3))))),
            **image(3, two=nn.Conv1d(3, 2, 3), m=lif(0.2)),
            **head(20),
        ),
    ),
    "ConvTranspose1d": (
        (2, 5),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.n(m.conv(x)))))),
            **signal(two=nn.ConvTranspose1d(4, 3, 4, stride=3, padding=1, output_padding=1), m=lif(0.2)),
            **head(45),
        ),
    ),
    "ConvTranspose2d with groups, stride, dilation and output padding": (
        (2, 4, 5),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.n(m.conv(x)))))),
            **image(
                4,
                two=nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), padding=(1, 0), output_padding=(1, 2), groups=2, dilation=(2, 1)),
                m=lif(0.2),
            ),
            **head(6 * 10 * 16),
        ),
    ),
    "ConvTranspose2d of stride 1": (
        (2, 4, 4),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.n(m.conv(x)))))),
            **image(3, two=nn.ConvTranspose2d(3, 2, 3), m=lif(0.3)),
            **head(72),
        ),
    ),
    "Upsample before and behind a neuron": (
        (2, 3, 4),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.m(m.two(m.b(m.n(m.a(m.conv(x)))))))),
            **image(3, a=nn.Upsample(scale_factor=2), b=nn.Upsample(scale_factor=(1, 2)), two=nn.Conv2d(3, 2, 3, 2), m=lif(0.2)),
            **head(2 * 2 * 7),
        ),
    ),
    "interpolate": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(
                m.flat(m.n(torch.nn.functional.interpolate(m.conv(x).flatten(0, 1), scale_factor=2).unflatten(0, (STEPS, -1))))
            ),
            **image(2),
            **head(72),
        ),
    ),
    "torch.cat of maps, of features, and with itself": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(
                torch.cat([m.flat(torch.cat((m.n(m.conv(x)), m.k(m.other(x)), m.n(m.conv(x))), 2)), m.flat(m.k(m.other(x)))], -1)
            ),
            **image(2, other=nn.Conv2d(2, 3, 1), k=lif(0.3)),
            **head(9 * 10),
        ),
    ),
    "torch.cat of sums, before one neuron and a norm": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.n(m.bn(torch.cat([m.conv(x), m.other(x)], 2))))),
            **image(2, other=nn.Conv2d(2, 3, 1), bn=norm(nn.BatchNorm2d(5))),
            **head(45),
        ),
    ),
    "a difference, and what is negated": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.k(m.other(x) - m.conv(x)) - m.n(-m.conv(x)))),
            **image(3, other=nn.Conv2d(2, 3, 1), k=lif(0.1)),
            **head(27),
        ),
    ),
    "IAND: (1 - a) * b": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(m.flat((1 - m.n(m.conv(x))) * m.k(m.other(x)))),
            **image(3, other=nn.Conv2d(2, 3, 1), k=lif(0.1)),
            **head(27),
        ),
    ),
    "constants: a number, one for each channel, one for each place, reckoned": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.k(m.other(m.n(m.conv(x) + m.c) + m.p.exp()) + 0.25)) - 0.5),
            **image(3, other=nn.Conv2d(3, 2, 3, padding=1), k=lif(0.2)),
            **head(18),
            c=parameter(3, 1, 1),
            p=parameter(3, 3, 3),
        ),
    ),
    "a learned factor for each channel": (
        (2, 3, 3),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.n(m.conv(x) * m.c) * m.d)),
            **image(3),
            **head(27),
            c=parameter(3, 1, 1),
            d=parameter(3, 1, 1),
        ),
    ),
    "a factor on sums, and on spikes": (
        (2, 3, 3),
        lambda: Body(lambda m, x: m.out(m.flat(m.n(m.conv(x) * 1.5) / 3.0)), **image(3), **head(27)),
    ),
    "BatchNorm before a padded convolution, before two, and before Linear": (
        (2, 4, 4),
        lambda: Body(
            lambda m, x: m.out(m.bl(m.flat(m.k(m.bo(m.two(m.bn(m.n(m.conv(x)))))) + m.k(m.three(m.bn(m.n(m.conv(x)))))))),
            **image(
                3,
                bn=norm(nn.BatchNorm2d(3)),
                two=nn.Conv2d(3, 2, 3, padding=1),
                bo=norm(nn.BatchNorm2d(2)),
                three=nn.Conv2d(3, 2, (3, 1), padding=(1, 0)),
                k=lif(0.2),
                bl=norm(nn.BatchNorm1d(32)),
            ),
            **head(32),
        ),
    ),
    "BatchNorm on the input": (
        (2, 4, 4),
        lambda: Body(lambda m, x: m.out(m.flat(m.n(m.conv(m.bn(x))))), **image(3, bn=norm(nn.BatchNorm2d(2))), **head(48)),
    ),
    "Readout of the last step": ((6,), lambda: nn.Sequential(nn.Linear(6, 5), lif(0.3), nn.Linear(5, 3), nn.Readout("last"))),
    "Readout of the mean": ((6,), lambda: nn.Sequential(nn.Linear(6, 5), lif(0.3), nn.Linear(5, 3), nn.Readout("mean"))),
    "Readout of the sum": ((6,), lambda: nn.Sequential(nn.Linear(6, 5), lif(0.3), nn.Linear(5, 3), nn.Readout())),
    "x[-1]": ((6,), lambda: Body(lambda m, x: m.out(m.n(m.a(x)))[-1], a=nn.Linear(6, 5), n=lif(0.3), out=nn.Linear(5, 3))),
    "Readout that leaks": (
        (6,),
        lambda: nn.Sequential(nn.Linear(6, 5), lif(0.3), nn.Linear(5, 3), nn.Readout("leaky", 0.75, (-8.0, 8.0))),
    ),
    "a layer behind the last step": (
        (6,),
        lambda: Body(lambda m, x: m.out(m.n(m.a(x))[-1]), a=nn.Linear(6, 5), n=lif(0.3), out=torch.nn.Linear(5, 3)),
    ),
    "two outputs by name": (
        (6,),
        lambda: Body(
            lambda m, x: {"kind": m.a(m.n(m.l(x))), "place": m.b(m.n(m.l(x)))},
            l=nn.Linear(6, 5), n=lif(0.3), a=nn.Linear(5, 3), b=nn.Linear(5, 2),
        ),
    ),
}  # fmt: skip


RECURRENT: dict[str, tuple[tuple[int, ...], Callable[[], Made]]] = {
    "over features": (
        (6,),
        lambda: nn.Sequential(nn.Linear(6, 5), nn.Recurrent(lif(0.3), nn.Linear(5, 5)), nn.Linear(5, 3)),
    ),
    "over images, a polynomial neuron, its norm before": (
        (2, 4, 4),
        lambda: Body(
            lambda m, x: m.out(m.flat(m.r(m.bn(m.c(x))))),
            c=nn.Conv2d(2, 3, 3, padding=1),
            bn=norm(nn.BatchNorm2d(3)),
            r=nn.Recurrent(nn.LNM(degree=2), nn.Conv2d(3, 3, 3, padding=1, bias=False)),
            **head(48),
        ),
    ),
    "circulate firing, then a neuron of one's own": (
        (6,),
        lambda: nn.Sequential(
            *(nn.Linear(6, 5), nn.Recurrent(nn.CirculateFiring(2, threshold=0.4), nn.Linear(5, 5))),
            *(nn.Linear(5, 4), nn.Recurrent(nn.ALIF(0.8, 0.9, 0.2), nn.Linear(4, 4)), nn.Linear(4, 3)),
        ),
    ),
}
CASES_OF_ALL = {**CASES, **RECURRENT}


def made(case: str) -> tuple[Made, Any]:
    torch.manual_seed(0)
    shape, make = CASES_OF_ALL[case]
    model = make().eval()
    x = (torch.rand(STEPS, SAMPLES, *shape) * 3).floor()
    return model, x


def summed(y: Any) -> np.ndarray:
    """What a readout is compared with: of logits for every step their sum, several outputs side by side."""
    outputs = list(y.values()) if isinstance(y, dict) else [y]
    return np.concatenate([(o.sum(0) if o.ndim == 3 else o).detach().numpy() for o in outputs], -1)


@pytest.mark.parametrize("case", CASES_OF_ALL)
def test_it_is_read_as_torch_computes_it(case: str) -> None:
    model, x = made(case)
    net = trace_model(model, x.numpy())
    got = run_real(net, x.double().numpy()) * net.readout.share
    assert np.allclose(got, summed(model(x)), atol=1e-4), np.abs(got - summed(model(x))).max()


@pytest.mark.parametrize("case", CASES_OF_ALL)
def test_every_executor_agrees_and_the_integers_are_near(case: str) -> None:
    model, x = made(case)
    artefact = snn2hw.compile(model, x.numpy())
    names = [name for name, e in EXECUTORS.items() if not why_not(e)]
    verdict = snn2hw.verify(artefact, x.numpy(), names)
    assert verdict.equal, verdict.differences
    assert set(verdict.compared) == set(names) - {"reference"}, verdict.not_run
    near = snn2hw.simulate(artefact, x.numpy()).readout * artefact.scale
    wanted = summed(model(x))
    assert np.abs(near - wanted).max() < 0.25 * max(np.abs(wanted).max(), 1.0)


@pytest.mark.parametrize("case", CASES)
def test_it_trains_on_its_integers(case: str) -> None:
    model, x = made(case)
    prepared = prepare(model, x)
    logits = prepared(x)
    assert torch.isfinite(logits).all()
    logits.square().mean().backward()
    artefact = snn2hw.compile(prepared, x.numpy())
    trace = snn2hw.simulate(artefact, x.numpy())
    readout = (logits.sum(0) if logits.ndim == 3 else logits).detach().numpy()
    assert np.allclose(trace.readout * artefact.scale, readout, rtol=1e-5, atol=1e-6)


def parts(of: Any) -> Made:
    made = Body(of, l=nn.Linear(3, 3), n=lif(0.3), p=parameter(3))
    made.register_buffer("b", torch.zeros(3))
    return made


def steps_summed(m: Any, x: Any) -> Any:
    return {"a": m.l(m.n(m.l(x))), "b": m.l(x).mean(0)}


def changed(m: Any, x: Any) -> Any:
    return m.l(x) + m.p.mul_(2.0)


WRONG: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "a constant reckoned with N": (lambda m, x: m.l(x) + x.shape[1], "a constant was reckoned with N, the number of samples"),
    "noise of a parameter's shape": (
        lambda m, x: m.l(x) + torch.randn_like(m.p),
        "an operation gives other numbers at every call",
    ),
    "noise": (lambda m, x: m.l(x) + torch.randn(3), "the forward makes a tensor that is another one at every call"),
    "a parameter that a forward changes": (changed, "an operation changes a parameter or buffer"),
    "a buffer that a forward changes": (lambda m, x: m.l(x) + m.b.add_(1.0), "the forward changes a buffer"),
    "the last of steps and samples": (
        lambda m, x: m.l(x.flatten(0, 1))[-1],
        "the first axis has the steps and the samples in one",
    ),
    "one output summed, another not": (steps_summed, "one of several outputs is taken over the steps in the model"),
    "names that are the same text": (lambda m, x: {1: m.l(x), "1": m.l(x)}, "the outputs of the model have no names"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_would_be_another_network_is_refused(case: str) -> None:
    forward, what = WRONG[case]
    model = parts(forward)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(UnsupportedError, match=what):
        trace_model(model, np.zeros((4, 3, 3)))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not [name for name in vars(model) if name.startswith("_tensor_constant")]


def test_a_single_output_keeps_its_name() -> None:
    model = parts(lambda m, x: {"kind": m.l(m.n(m.l(x)))})
    x = (np.random.default_rng(0).random((4, 3, 3)) < 0.5).astype(float)
    artefact = snn2hw.compile(model, x)
    assert list(artefact.outputs(np.zeros((2, 3)))) == ["kind"]
