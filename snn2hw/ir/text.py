"""A network of either stage printed for people: a line for each node, a neuron's program below it. On disk it is a `document`.

network integer steps=4 target=generic
IntInput(name='input', inputs=(), shape=(1, 8, 8), format='u8.0', interval=[0, 255], source='...', ...)
IntNeuron(name='2', inputs=('0',), ..., program=
  program LNM
    u = state lo=-32768 hi=32767 initial=0 : s16.13 proved
    ...
)
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from snn2hw.ir.document import Arrays
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.ir.network import Network, Node
from snn2hw.ir.program import Program
from snn2hw.ir.program_text import program_to_text
from snn2hw.neurons.equation import Equation
from snn2hw.num import Format, Interval

ARRAY = "ARRAY"  # stands for an array, which would take the page


def to_text(net: Network | IntegerNetwork) -> tuple[str, Arrays]:
    """The network as text, and the arrays it refers to: '<node>.<field>' and, of programs, '<node>.<param>'."""
    arrays: Arrays = {}
    if isinstance(net, IntegerNetwork):
        target = net.target if net.target.isprintable() else repr(net.target)
        head = f"network integer steps={net.steps} target={target}"
    else:
        head = f"network real steps={net.steps}"
    return "\n".join([head, *(_node_to_text(n, arrays) for n in net.nodes)]) + "\n", arrays


def _node_to_text(node: Node | IntNode, arrays: Arrays) -> str:
    return _call(node, node.name, arrays)


def _call(value: Any, owner: str, arrays: Arrays) -> str:
    said = (f for f in dataclasses.fields(value) if "unsaid" not in f.metadata or getattr(value, f.name) != f.default)
    fields = ((f.name, getattr(value, f.name)) for f in said)
    return f"{type(value).__name__}({', '.join(f'{k}={_value(v, k, owner, arrays)}' for k, v in fields)})"


def _value(value: Any, key: str, owner: str, arrays: Arrays) -> str:
    if isinstance(value, np.ndarray):
        arrays[f"{owner}.{key}"] = value
        return ARRAY
    if isinstance(value, Format):
        return repr(str(value))
    if isinstance(value, Interval):
        return str(value)
    if isinstance(value, Program | Equation):
        return _indented(_program(value, owner, arrays) if isinstance(value, Program) else str(value))
    if dataclasses.is_dataclass(value):
        return _call(value, owner, arrays)
    return repr(_plain(value))


def _plain(value: Any) -> Any:
    """Python's own numbers, whatever kind came in, so that their text is a literal."""
    if isinstance(value, tuple):
        return tuple(_plain(v) for v in value)
    return value.item() if isinstance(value, np.generic) else value


def _program(program: Program, owner: str, arrays: Arrays) -> str:
    def write_values(name: str, values: tuple[int, ...]) -> str:
        arrays[f"{owner}.{name}"] = np.asarray(values, np.int64)
        return "@"

    return program_to_text(program, write_values)


def _indented(text: str) -> str:
    return "\n" + "".join(f"  {line}\n" for line in text.splitlines())
