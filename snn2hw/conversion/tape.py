"""What a run of a model is written down as: values, and the calls that made them, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

INPUT, PARAMETER, CONSTANT, MADE = "input", "parameter", "constant", "made"


@dataclass(eq=False)
class Value:
    """A tensor of the run.

    Args:
        kind: INPUT, PARAMETER (also a buffer), CONSTANT, or MADE by a call.
        tensor: itself; its shape and, of a constant, its numbers are read.
        call, place: of MADE: what made it, and the how manieth of its results it is.
        path: of PARAMETER: its name in the model.
        step: of INPUT: the step whose input it is, where the model was given one step at a time.
    """

    kind: str
    tensor: Tensor
    call: Call | None = None
    place: int = 0
    path: str = ""
    step: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return tuple(self.tensor.shape)


@dataclass(eq=False)
class Call:
    """A layer that was called, or a function.

    Args:
        name: of a function its name, as "add"; of a layer "".
        module: path of the layer; "" for a function.
        function: itself, None for a layer.
        args, named: arguments, with values in place of tensors.
        line: "file.py:12 (forward)", where the user wrote it.
        results: the values that it made, nested tuples flattened.
    """

    name: str
    module: str
    function: Callable[..., Any] | None
    args: tuple[Any, ...]
    named: dict[str, Any]
    line: str
    results: list[Value] = field(default_factory=list)

    @property
    def entering(self) -> list[Value]:
        """The values among the arguments, in order."""
        return [v for v in flat((self.args, self.named)) if isinstance(v, Value)]


def flat(nested: Any) -> Iterator[Any]:
    """What lists, tuples and dictionaries hold, depth first."""
    if isinstance(nested, dict):
        nested = tuple(nested.values())
    if isinstance(nested, list | tuple):
        for part in nested:
            yield from flat(part)
    else:
        yield nested


def mapped(change: Callable[[Any], Any], nested: Any) -> Any:
    """The same lists, tuples and dictionaries with `change` of each thing in them."""
    if isinstance(nested, dict):
        return {name: mapped(change, part) for name, part in nested.items()}
    if isinstance(nested, list):
        return [mapped(change, part) for part in nested]
    if isinstance(nested, tuple):
        return tuple(mapped(change, part) for part in nested)
    return change(nested)
