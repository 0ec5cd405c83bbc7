"""NIR parameters, conventions and samples that are refused: every error by its whole text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import FileFormatError, ShapeError, UnsupportedError, ValueRangeError
from snn2hw.formats.nir.convention import Convention
from tests.nir_cases import X, case, chain, check_case, linear
from tests.nir_files import affine, conv2d, graph, integrator, lif

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
pytestmark = pytest.mark.usefixtures("here")

IMAGE = {"x": np.ones((2, 1, 2, 2, 2), int)}


def named(nodes: Any, edges: Any) -> Any:
    return nir.NIRGraph(nodes, edges, type_check=False)


def I() -> Any:  # noqa: E743, N802
    return nir.Input(np.array([3]))


def O() -> Any:  # noqa: E743, N802
    return nir.Output(np.array([3]))


def pool(**given: Any) -> Any:
    two = np.array([2, 2])
    return nir.SumPool2d(**{"kernel_size": two, "stride": two, "padding": two * 0, **given})


def flat(size: int, *shape: int, a: int = 0) -> Any:
    return nir.Flatten({"input": np.array(shape)}, a, -1)


@pytest.mark.parametrize(
    ("made", "error", "options", "edit"),
    [
        case(
            "shape",
            lambda: chain(linear()),
            ShapeError,
            "the sample does not fit the network's input",
            "input (Input)",
            "[5]",
            "[3]",
            "give samples [T, N, ...] without steps, or [N, ...] with steps",
            {"x": np.ones((4, 1, 5), int)},
        ),
        case(
            "outshape",
            lambda: chain(linear(), out=2),
            ShapeError,
            "the output is not what the file states",
            "output (Output)",
            "[3]",
            "[2]",
            "write the file again, for the input it was trained on",
        ),
        case(
            "chain",
            lambda: chain(nir.Linear(np.ones((2, 4))), out=2),
            ShapeError,
            "the number of features does not fit the weights",
            "0 (Linear)",
            "[3]",
            "[4]",
            "check the layer before it, or the shape of the sample",
        ),
        case(
            "bias",
            lambda: chain(affine(np.eye(3), np.zeros(2))),
            ShapeError,
            "the number of biases is not the number of outputs",
            "0 (Affine)",
            "2",
            "3",
            "check the layer before it, or the shape of the sample",
        ),
        case(
            "axes",
            lambda: chain(nir.Linear(np.ones((2, 3, 3)))),
            ShapeError,
            "'weight' has the wrong number of axes",
            "0 (Linear)",
            "[2, 3, 3]",
            "2 axes",
            "write it with 2 axes, as NIR defines this kind of node",
        ),
        case(
            "nan",
            lambda: chain(nir.Linear(np.full((3, 3), np.nan))),
            ValueRangeError,
            "'weight' holds NaN or Inf",
            "0 (Linear)",
            "9 of 9 values",
            "finite numbers",
            "train again with a smaller learning rate, or load another checkpoint",
        ),
        case(
            "tau",
            lambda: chain(
                lif(3, tau=[1e-3, 2e-3, np.nan]),
            ),
            ValueRangeError,
            "'tau' holds NaN or Inf",
            "0 (LIF)",
            "1 of 3 values",
            "finite numbers",
            "",
        ),
        case(
            "taushape",
            lambda: chain(lif(2)),
            ShapeError,
            "'tau' does not fit the layer",
            "0 (LIF)",
            "[2]",
            "[3] or one value",
            "write one value, or one for each neuron of the layer",
        ),
        case(
            "tauneg",
            lambda: chain(lif(3, tau=-1)),
            ValueRangeError,
            "'tau' is not positive",
            "0 (LIF)",
            "-1",
            "tau > 0",
            "write tau above 0 for every neuron",
        ),
        case(
            "vth0",
            lambda: chain(lif(3, v_threshold=0)),
            ValueRangeError,
            "'v_threshold' is not positive",
            "0 (LIF)",
            "0",
            "v_threshold > 0",
            "write v_threshold above 0 for every neuron",
        ),
        case(
            "dt",
            lambda: chain(lif(3, tau=5e-4)),
            ValueRangeError,
            "a step is longer than the time constant",
            "0 (LIF)",
            "tau = 0.0005, dt = 0.001",
            "dt <= tau",
            "give the dt that the network was trained with (--dt)",
        ),
        case(
            "within",
            lambda: chain(
                integrator((2, 2, 2), v_threshold=np.arange(1, 9).reshape(2, 2, 2)), flat(8, 2, 2, 2), shape=(2, 2, 2), out=8
            ),
            UnsupportedError,
            "'v_threshold' differs within a channel",
            "0 (IF)",
            "8 different values",
            "one for the layer, or one per channel",
            "train with shared parameters",
            IMAGE,
        ),
        case(
            "scalewithin",
            lambda: chain(
                nir.Scale(np.arange(8.0).reshape(2, 2, 2)),
                conv2d((2, 2), np.ones((2, 2, 1, 1))),
                flat(8, 2, 2, 2),
                shape=(2, 2, 2),
                out=8,
            ),
            UnsupportedError,
            "'scale' differs within a channel",
            "1 (Conv2d)",
            "8 different values",
            "one for the layer, or one per channel",
            "train with shared parameters",
            IMAGE,
        ),
        case(
            "scaleshape",
            lambda: chain(nir.Scale(np.ones(2))),
            ShapeError,
            "the scale does not fit what enters",
            "0 (Scale)",
            "[2]",
            "[3]",
            "write one factor, or one for each value that enters",
        ),
        case(
            "endscale",
            lambda: chain(nir.Scale(np.full(3, 2.0))),
            UnsupportedError,
            "the network ends in a factor that no weight can take",
            "output (Output)",
            "a factor of 2 from Scale or SumPool2d",
            "a synapse or a neuron behind every Scale and SumPool2d",
            "put a Linear behind it, or leave it out",
        ),
        case(
            "flatten",
            lambda: chain(flat(8, 2, 2, 2, a=1), shape=(2, 2, 2), out=8),
            UnsupportedError,
            "only all axes of a sample can be flattened",
            "0 (Flatten)",
            "axes 1 to -1 of [2, 2, 2]",
            "axes 0 to -1",
            "NIR counts axes without that of the samples: write start_dim=0",
            IMAGE,
        ),
        case(
            "endimage",
            lambda: graph(conv2d((2, 2), np.ones((2, 2, 1, 1))), shape=(2, 2, 2), out=(2, 2, 2)),
            ShapeError,
            "the network must end in one value per class",
            "output (Output)",
            "[2, 2, 2]",
            "[classes]",
            "check the layer before it, or the shape of the sample",
            IMAGE,
        ),
        case(
            "same",
            lambda: chain(conv2d((2, 2), np.ones((2, 2, 2, 2)), padding="same"), flat(8, 2, 2, 2), shape=(2, 2, 2), out=8),
            UnsupportedError,
            "this padding is not supported",
            "0 (Conv2d)",
            "'same' with kernel (2, 2)",
            "numbers, or an odd kernel",
            "write the padding in numbers, or use an odd kernel",
            IMAGE,
        ),
        case(
            "groups",
            lambda: chain(conv2d((2, 2), np.ones((3, 1, 1, 1)), groups=2), flat(8, 3, 2, 2), shape=(2, 2, 2), out=12),
            ShapeError,
            "the channels do not divide into the groups",
            "0 (Conv2d)",
            "3",
            "k * 2",
            "use as many groups as divide the output channels",
            IMAGE,
        ),
        case(
            "stride",
            lambda: chain(pool(stride=np.array([0, 1])), flat(2, 2, 1, 1), shape=(2, 2, 2), out=2),
            FileFormatError,
            "'stride' is no pair of sizes",
            "0 (SumPool2d)",
            "[0, 1]",
            "two, from 1 to 1048576",
            "write one or two whole numbers in this range",
            IMAGE,
        ),
        case(
            "padding huge",
            lambda: chain(
                conv2d((2, 2), np.ones((2, 2, 1, 1)), padding=(10**5, 10**5)), flat(8, 2, 2, 2), shape=(2, 2, 2), out=8
            ),
            ShapeError,
            "the layer's shape is absurd",
            "0 (Conv2d)",
            "[2, 200002, 200002]",
            "at most 4194304 values",
            "check the sizes that the file states for this layer; it cannot be this large",
            IMAGE,
        ),
        case(
            "fit",
            lambda: chain(conv2d((2, 2), np.ones((2, 2, 3, 3))), flat(8, 2, 2, 2), shape=(2, 2, 2), out=8),
            ShapeError,
            "the kernel does not fit into the image",
            "0 (Conv2d)",
            "2x2",
            "at least (3, 3)",
            "check the layer before it, or the shape of the sample",
            IMAGE,
        ),
        case(
            "vector pool",
            lambda: chain(pool()),
            ShapeError,
            "an image [C, H, W] was expected",
            "0 (SumPool2d)",
            "[3]",
            "3 axes",
            "check the layer before it, or the shape of the sample",
        ),
        case(
            "factors",
            lambda: named(
                {"input": I(), "s": nir.Scale(np.full(3, 2.0)), "a": linear(), "out": O()},
                [("input", "s"), ("input", "a"), ("s", "a"), ("a", "out")],
            ),
            UnsupportedError,
            "edges with different factors meet in a node",
            "a (Linear)",
            "input, s",
            "the same Scale and SumPool2d on every edge",
            "put a Linear, Affine or Conv2d behind each Scale and SumPool2d",
        ),
        case(
            "many",
            lambda: chain(integrator(3)),
            UnsupportedError,
            "more spikes in one step than a neuron may fire",
            "0 (IF)",
            "more than 16 on the sample",
            "at most 16",
            "use shorter time bins, or scale the sample down",
            {"x": X * 40, "convention": "sinabs"},
        ),
        case(
            "unstable",
            lambda: chain(*[nir.Linear(np.eye(3) * 3e38)] * 9, lif(3)),
            ValueRangeError,
            "the membrane leaves all bounds on the sample",
            "9 (LIF)",
            "inf",
            "finite values",
            "check the weights, and state the writer's convention and step (--convention, --dt)",
            {"x": X, "convention": Convention(dt=1e-3, lif_input="unit")},
        ),
        case(
            "ratio",
            lambda: chain(lif(3, v_threshold=[1, 2, 3], v_reset=0.1)),
            UnsupportedError,
            "'v_reset' is not the same part of 'v_threshold' in every channel",
            "0 (LIF)",
            "3 different ratios",
            "one ratio for the layer",
            "train with shared parameters",
            {"convention": Convention(dt=1e-3)},
        ),
    ],
)
def test_refused(made: Callable[[], Any], error: Any, options: dict[str, Any], edit: Any) -> None:
    check_case(made, error, options, edit)
