from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.errors import Snn2hwError, UnsupportedError  # noqa: E402
from tests.formats.torch.torch_models import Model, Written, joined, sequential, trace  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch


class OwnForward(nn.Linear):
    def forward(self, input: Any) -> Any:
        return super().forward(input) * 2


def hooked() -> Model:
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda m, i, o: o * 2)
    layer.register_forward_pre_hook(lambda m, i: None)
    return sequential(layer)


def places() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.arange(8.0).reshape(2, 2, 2))


def with_hook(model: Model) -> Model:
    model.register_forward_hook(lambda m, i, o: o * 2)
    return model


def with_forward(layer: Model) -> Model:
    layer.forward = lambda x: x
    return layer


SUPPORTED = (
    "AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, "
    "CustomNeuron, Dropout, Flatten, Identity, Linear, MaxPool1d, MaxPool2d, Neuron, Recurrent, Upsample, Sequential, custom "
    "modules of these, x + y, x - y, x * y and x @ y * factor of spikes, torch.cat, constants, reshape, transpose, flatten(2), "
    "mean(0), sum(0), x[-1]"
)
UNSUPPORTED = f"expected: {SUPPORTED}"
MODULE = f"{UNSUPPORTED}\n  do:       replace it with a supported layer, or write it as a custom module of these"
OPERATION = f"{UNSUPPORTED}\n  do:       write the model with these, or move the operation out of the model"
TRACE = f"""expected: a forward without control flow or indexing that depends on tensor values
  do:       move the decision out of forward, or build the model from layers: {SUPPORTED}"""


REFUSALS: dict[str, tuple[Callable[[], Model], tuple[int, ...], type[Snn2hwError], str]] = {
    "unsupported layer": (
        lambda: sequential(nn.Linear(3, 2), torch.nn.ReLU()),
        (3,),
        UnsupportedError,
        f"""ReLU has no integer meaning here
  where:    1
  got:      torch.nn.modules.activation.ReLU
  {MODULE}""",
    ),
    "unsupported layer inside a block": (
        lambda: sequential(sequential(nn.Conv2d(2, 2, 1), torch.nn.Softplus()), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        f"""Softplus has no integer meaning here
  where:    0.1
  got:      torch.nn.modules.activation.Softplus
  {MODULE}""",
    ),
    "unsupported normalisation": (
        lambda: sequential(nn.Linear(3, 2), torch.nn.LayerNorm(2)),
        (3,),
        UnsupportedError,
        f"""LayerNorm has no integer meaning here
  where:    1
  got:      torch.nn.modules.normalization.LayerNorm
  {MODULE}""",
    ),
    "control flow": (
        lambda: Written(lambda m, x: m.fc(x) if x.sum() > 0 else x, fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the model's forward cannot be traced
  where:    Written, LINE
  got:      symbolically traced variables cannot be used as inputs to control flow
  {TRACE}""",
    ),
    "getitem": (
        lambda: Written(lambda m, x: m.fc(x)[0], fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the operation 'getitem' has no integer meaning here
  where:    getitem
  got:      %getitem : [num_users=1] = call_function[target=operator.getitem](args = (%fc, 0), kwargs = {{}})
  {OPERATION}""",
    ),
    "product of sums": (
        lambda: sequential(joined(lambda a, b: a * b)),
        (3,),
        UnsupportedError,
        """a product of what no neuron fired
  where:    0.mul (*)
  got:      0.a (Linear)
  expected: spikes, or pools, sums and products of spikes
  do:       put a neuron behind it""",
    ),
    "functional relu": (
        lambda: Written(lambda m, x: torch.relu(m.fc(x)), fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the operation 'relu' has no integer meaning here
  where:    relu
  got:      %relu : [num_users=1] = call_function[target=torch.relu](args = (%fc,), kwargs = {{}})
  {OPERATION}""",
    ),
    "a constant for each sample": (
        lambda: Written(lambda m, x: m.fc(x) + torch.ones(4, 1, 2), fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""a constant of shape [4, 1, 2] does not fit [T, N, 2]
  where:    add
  got:      %add : [num_users=1] = call_function[target=operator.add](args = (%fc, %_tensor_constant0), kwargs = {{}})
  {UNSUPPORTED}
  do:       give it one number for each channel""",
    ),
    "a factor for each place": (
        lambda: Written(lambda m, x: m.fc((m.n(x) * m.p).flatten(2)), fc=nn.Linear(8, 2), n=nn.LIF(0.5), p=places()),
        (2, 2, 2),
        UnsupportedError,
        f"""a value is multiplied with numbers that differ from place to place
  where:    mul
  got:      %mul : [num_users=1] = call_function[target=operator.mul](args = (%n, %p), kwargs = {{}})
  {UNSUPPORTED}
  do:       use one number for each channel""",
    ),
    "a concatenation over N": (
        lambda: Written(lambda m, x: torch.cat([m.fc(x), m.fc(x)], 1), fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""a concatenation must keep the T and N axes
  where:    cat
  got:      %cat : [num_users=1] = call_function[target=torch.cat](args = ([%fc, %fc_1], 1), kwargs = {{}})
  {UNSUPPORTED}
  do:       concatenate along the channels: dim=2""",
    ),
    "a concatenation along an image": (
        lambda: Written(lambda m, x: m.fc(torch.cat([x, x], 3).flatten(2)), fc=nn.Linear(16, 2)),
        (2, 2, 2),
        UnsupportedError,
        f"""a concatenation is not along the channels
  where:    cat
  got:      %cat : [num_users=1] = call_function[target=torch.cat](args = ([%x, %x], 3), kwargs = {{}})
  {UNSUPPORTED}
  do:       concatenate along the channels: dim=2 of [T, N, C, ...]""",
    ),
    "an upsampling that interpolates": (
        lambda: sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Flatten()),
        (2, 2, 2),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Upsample)
  got:      mode='bilinear', scale_factor=2.0, size=None
  expected: mode='nearest' and whole factors
  do:       use mode='nearest' and whole factors""",
    ),
    "a transposed convolution that cuts away more than its kernel adds": (
        lambda: sequential(nn.ConvTranspose2d(2, 2, 1, padding=1), nn.Flatten()),
        (2, 4, 4),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (ConvTranspose2d)
  got:      padding=(1, 1)
  expected: a padding of at most dilation * (kernel_size - 1)
  do:       use a padding of at most dilation * (kernel_size - 1)""",
    ),
    "weighted addition": (
        lambda: joined(lambda a, b: torch.add(a, b, alpha=2)),
        (3,),
        UnsupportedError,
        f"""an addition must join two branches of the network, or a branch and a constant
  where:    add
  got:      %add : [num_users=1] = call_function[target=torch.add](args = (%a, %b), kwargs = {{alpha: 2}})
  {OPERATION}""",
    ),
    "an output that is no tensor": (
        lambda: Written(lambda m, x: (m.fc(x), 3), fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        """the model must return tensors of logits
  where:    output
  got:      3
  expected: one tensor [T, N, classes], or a dictionary or tuple of such
  do:       return the logits only""",
    ),
    "operation after the sum": (
        lambda: Written(lambda m, x: m.fc(m.fc(x).sum(0)), fc=nn.Linear(3, 3)),
        (3,),
        UnsupportedError,
        f"""only the output may follow the sum or mean over the steps
  where:    fc
  got:      %fc_1 : [num_users=1] = call_module[target=fc](args = (%sum_1,), kwargs = {{}})
  {OPERATION}""",
    ),
    "mean over another axis": (
        lambda: Written(lambda m, x: m.fc(x).mean(1), fc=nn.Linear(3, 3)),
        (3,),
        UnsupportedError,
        f"""the operation 'mean' has no integer meaning here
  where:    mean
  got:      %mean : [num_users=1] = call_method[target=mean](args = (%fc, 1), kwargs = {{}})
  {OPERATION}""",
    ),
    "functional flatten over N": (
        lambda: Written(lambda m, x: m.fc(x.flatten(1)), fc=nn.Linear(72, 3)),
        (2, 6, 6),
        UnsupportedError,
        f"""flatten must keep the T and N axes
  where:    flatten
  got:      %flatten : [num_users=1] = call_method[target=flatten](args = (%x, 1), kwargs = {{}})
  {UNSUPPORTED}
  do:       write flatten(2): activations are [T, N, ...]""",
    ),
    "forward of its own": (
        lambda: sequential(OwnForward(3, 2)),
        (3,),
        UnsupportedError,
        f"""a subclass of a layer has a forward of its own
  where:    0 (OwnForward)
  got:      {__name__}.OwnForward.forward
  expected: the forward of the layer it derives from
  do:       write it as a custom module that calls supported layers""",
    ),
    "hooks": (
        hooked,
        (3,),
        UnsupportedError,
        """a module has forward hooks, which may change what it computes
  where:    0 (Linear)
  got:      1 hooks, 1 pre-hooks
  expected: no hooks
  do:       remove the hooks before compiling""",
    ),
    "hooks of the model itself": (
        lambda: with_hook(sequential(nn.Linear(3, 2))),
        (3,),
        UnsupportedError,
        """a module has forward hooks, which may change what it computes
  where:    the model itself (Sequential)
  got:      1 hooks, 0 pre-hooks
  expected: no hooks
  do:       remove the hooks before compiling""",
    ),
    "hooks of a block": (
        lambda: sequential(with_hook(sequential(nn.Linear(3, 2)))),
        (3,),
        UnsupportedError,
        """a module has forward hooks, which may change what it computes
  where:    0 (Sequential)
  got:      1 hooks, 0 pre-hooks
  expected: no hooks
  do:       remove the hooks before compiling""",
    ),
    "forward set on the layer itself": (
        lambda: sequential(with_forward(nn.Linear(3, 2))),
        (3,),
        UnsupportedError,
        """the forward of this module was replaced on the instance
  where:    0 (Linear)
  got:      0 (Linear) has its own attribute 'forward'
  expected: the forward of its class
  do:       write it as a class""",
    ),
}


@pytest.mark.parametrize("which", REFUSALS)
def test_refusals(which: str) -> None:
    build, shape, kind, text = REFUSALS[which]
    with refused(kind, text):
        trace(build(), *shape)


def test_iteration_over_the_steps_is_refused() -> None:
    with refused(
        UnsupportedError,
        f"""the model's forward cannot be traced
  where:    Written, LINE
  got:      Proxy object cannot be iterated
  {TRACE}""",
    ):
        trace(Written(lambda m, x: [m.fc(step) for step in x], fc=nn.Linear(3, 2)), 3)


def test_two_inputs_are_refused() -> None:
    class Two(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x + y

    with refused(
        UnsupportedError,
        f"""the model has more than one input
  where:    y
  got:      %y : 'Any' [num_users=1] = placeholder[target=y]
  {OPERATION}""",
    ):
        trace(Two(), 3)


def test_a_layer_called_with_no_activation_is_refused() -> None:
    with refused(
        UnsupportedError,
        """
        a layer is called with something that is no activation
          where:    fc
          got:      1.0
          expected: the output of a layer
          do:       call the layer with what another layer returns
        """,
    ):
        trace(Written(lambda m, x: m.fc(1.0), fc=nn.Linear(3, 2)), 3)


def test_what_is_no_module_is_refused() -> None:
    with refused(
        UnsupportedError,
        """
        the model is no torch.nn.Module
          got:      function
          expected: a torch.nn.Module
          do:       give the module itself, whose forward takes the sample
        """,
    ):
        trace(lambda x: x, 3)
