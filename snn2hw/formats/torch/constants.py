"""Parameters, buffers and tensors that a forward uses beside its layers: constants of the network, as they are at deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx

from snn2hw.errors import UnsupportedError

MADE = "_tensor_constant"  # what torch.fx calls tensors that a forward makes, and enters in the model
IN_INIT = "compute it in __init__, and keep it as a buffer: self.register_buffer(...)"


def traced_with_constants(model: torch.nn.Module, trace: Callable[[], fx.Graph]) -> tuple[fx.Graph, Mapping[str, Tensor]]:
    """The graph of a forward, and the tensors made in it, by the names that the graph has for them.

    A tensor that is made anew must be the same at every call, and no buffer may change: what is deployed is one network. The
    model is left as it was.

    Args:
        model: whose forward it is. trace: traces it.

    Raises:
        UnsupportedError: the forward draws numbers, or changes a buffer.
    """
    buffers = {name: b.clone() for name, b in model.named_buffers()}
    graph = trace()
    made = _taken_out(model, graph)
    changed = [name for name, b in model.named_buffers() if name in buffers and not _same(b, buffers[name])]
    again = _taken_out(model, trace()) if made else {}
    with torch.no_grad():
        for name, b in model.named_buffers():
            if name in buffers:
                b.copy_(buffers[name])
    if changed:
        raise _refused("the forward changes a buffer", changed[0], "another value after every call")
    if not all(map(_same, made.values(), again.values())) or len(made) != len(again):
        raise _refused("the forward makes a tensor that is another one at every call", type(model).__name__, "numbers drawn anew")
    return graph, made


def _taken_out(model: torch.nn.Module, graph: fx.Graph) -> dict[str, Tensor]:
    """What torch.fx entered in the model while it traced it."""
    names = dict.fromkeys(str(n.target) for n in graph.nodes if n.op == "get_attr" and str(n.target).startswith(MADE))
    found = {name: getattr(model, name) for name in names}
    for name in found:
        delattr(model, name)
    return found


def _same(a: Tensor, b: Tensor) -> bool:
    """Equal in shape and in every number; what is no number is equal to itself here."""
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())  # noqa: PLR0124


def _refused(what: str, where: str, got: str) -> UnsupportedError:
    return UnsupportedError(what, where=where, got=got, expected="numbers that stay as they are", do=IN_INIT)


def attribute(model: torch.nn.Module, path: str) -> Tensor:
    """A parameter or buffer that a forward uses directly; nothing that is reckoned of it reaches the model."""
    found: Any = model
    for part in path.split("."):
        found = getattr(found, part)
    return torch.as_tensor(found).detach().clone()


def reckoned(node: fx.Node, args: Any, named: Any) -> Any:
    """What is reckoned of parameters and buffers alone.

    Args:
        node: the call. args, named: its arguments, of which at least one is a tensor.

    Raises:
        UnsupportedError: what is another number at every call, or changes a parameter or buffer.
    """
    given = [a for a in args if isinstance(a, Tensor)]
    before = [a.clone() for a in given]
    with torch.no_grad():
        first, second = (_called(node, args, named) for _ in range(2))
    if not all(map(_same, before, given)):
        raise _refused("an operation changes a parameter or buffer", node.name, str(node.target))
    if isinstance(first, Tensor) and not _same(first, second):
        raise _refused("an operation gives other numbers at every call", node.name, str(node.target))
    return first


def _called(node: fx.Node, args: Any, named: Any) -> Any:
    target: Any = node.target
    return getattr(args[0], target)(*args[1:], **named) if isinstance(target, str) else target(*args, **named)
