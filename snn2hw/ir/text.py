"""The text form of a network of either stage: one constructor call a node; arrays stand beside it, by name.

network integer steps=4 target=generic
IntInput(name='input', inputs=(), shape=(1, 8, 8), format='u8.0', interval=[0, 255], source='...', ...)
IntNeuron(name='2', inputs=('0',), ..., program=
  program LNM
    u = state lo=-32768 hi=32767 initial=0 : s16.13 proved
    ...
)
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from snn2hw.errors import TextError, WidthError
from snn2hw.ir import integer, network
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.ir.network import Network, Node
from snn2hw.ir.program import Program
from snn2hw.ir.program_text import program_from_text, program_to_text
from snn2hw.num import Format, Interval

_Kind = TypeVar("_Kind")
Arrays = dict[str, npt.NDArray[Any]]

ARRAY, PROGRAM = "ARRAY", "PROGRAM"  # names, not literals, that stand for what lies beside or below the line

_REAL_HEAD = re.compile(r"network real steps=(\d+)")
_INTEGER_HEAD = re.compile(r"network integer steps=(\d+) target=(\S+)")


def _constructors(module: Any) -> dict[str, type]:
    found = vars(module).values()
    return {c.__name__: c for c in found if dataclasses.is_dataclass(c) and isinstance(c, type)}


_CLASSES = {**_constructors(network), **_constructors(integer)}


def to_text(net: Network | IntegerNetwork) -> tuple[str, Arrays]:
    """The network as text, and the arrays it refers to: '<node>.<field>' and, of programs, '<node>.<param>'."""
    arrays: Arrays = {}
    if isinstance(net, IntegerNetwork):
        head = f"network integer steps={net.steps} target={net.target}"
    else:
        head = f"network real steps={net.steps}"
    return "\n".join([head, *(_node_to_text(n, arrays) for n in net.nodes)]) + "\n", arrays


def _node_to_text(node: Node | IntNode, arrays: Arrays) -> str:
    return _call(node, node.name, arrays)


def _call(value: Any, owner: str, arrays: Arrays) -> str:
    said = (f for f in dataclasses.fields(value) if "unsaid" not in f.metadata or getattr(value, f.name))
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
    if isinstance(value, Program):
        return _program(value, owner, arrays)
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

    body = program_to_text(program, write_values)
    return "\n" + "".join(f"  {line}\n" for line in body.splitlines())


def from_text(text: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Network | IntegerNetwork:
    """Inverse of `to_text`.

    Raises:
        TextError: text that is not a network, or an array that is missing.
    """
    head, _, body = text.partition("\n")
    integer_head, real_head = _INTEGER_HEAD.fullmatch(head), _REAL_HEAD.fullmatch(head)
    if integer_head is None and real_head is None:
        raise TextError("this is not the text of a network", got=repr(head[:80]), expected="network integer steps=4 target=NAME")
    nodes = tuple(_parse_node(source, arrays) for source in _split(body))
    if integer_head is not None:
        return IntegerNetwork(int(integer_head[1]), integer_head[2], _all_of(nodes, IntNode))
    assert real_head is not None
    return Network(int(real_head[1]), _all_of(nodes, Node))


def _all_of(nodes: tuple[Any, ...], kind: type[_Kind]) -> tuple[_Kind, ...]:
    for node in nodes:
        if not isinstance(node, kind):
            raise TextError(
                "a node of the other stage", where=getattr(node, "name", ""), got=type(node).__name__, expected=kind.__name__
            )
    return nodes


def _split(body: str) -> list[str]:
    """One source per node; the lines of a program belong to the node above them."""
    sources: list[str] = []
    for line in body.splitlines():
        if sources and (line.startswith("  ") or line.startswith(")") or line.startswith(", ")):
            sources[-1] += "\n" + line
        else:
            sources.append(line)
    return sources


def _parse_node(source: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    plain, program_text = _cut_program(source)
    try:
        tree = ast.parse(plain, mode="eval").body
        node_name = next(ast.literal_eval(k.value) for k in getattr(tree, "keywords", []) if k.arg == "name")
        return _build(tree, str(node_name), program_text, arrays)
    except (
        SyntaxError,
        ValueError,
        TypeError,
        KeyError,
        StopIteration,
        AssertionError,
        WidthError,
        RecursionError,
        MemoryError,
    ) as error:
        raise TextError(
            "a node cannot be read",
            where=source.split("\n", maxsplit=1)[0][:120],
            got=str(error),
            expected="NodeClass(name='...', ...)",
        ) from error


def _cut_program(source: str) -> tuple[str, str]:
    lines = source.split("\n")
    inner = [line[2:] for line in lines if line.startswith("  ")]
    outer = [line for line in lines if not line.startswith("  ")]
    joined = PROGRAM.join(outer) if inner else outer[0]
    return joined, "\n".join(inner)


def _build(tree: ast.expr, owner: str, program_text: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    if isinstance(tree, ast.Name):
        return tree
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
        return ast.literal_eval(tree)
    if tree.args or tree.func.id not in _CLASSES:
        raise ValueError(f"unknown constructor {tree.func.id}")
    fields = {}
    for keyword in tree.keywords:
        key = str(keyword.arg)
        value = _build(keyword.value, owner, program_text, arrays)
        fields[key] = _decode(key, value, owner, program_text, arrays)
    return _CLASSES[tree.func.id](**fields)


def _decode(key: str, value: Any, owner: str, program_text: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    if key == "format":
        return Format.parse(value)
    if key == "interval":
        return Interval(*value)
    if isinstance(value, ast.Name):
        return arrays[f"{owner}.{key}"] if value.id == ARRAY else _read_program(program_text, owner, arrays)
    return value


def _read_program(text: str, owner: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Program:
    # The names of a program's params are on its own lines; a reference '@' is resolved line by line.
    resolved = re.sub(
        r"^( *)(\w+)( = param values=)@",
        lambda m: m[1] + m[2] + m[3] + "[" + ",".join(str(int(v)) for v in arrays[f"{owner}.{m[2]}"]) + "]",
        text,
        flags=re.MULTILINE,
    )
    return program_from_text(resolved)


def network_from_text(text: str, arrays: Mapping[str, npt.NDArray[Any]]) -> IntegerNetwork:
    """An integer network from its text; anything else is an error."""
    net = from_text(text, arrays)
    if not isinstance(net, IntegerNetwork):
        raise TextError("this is a network of the real stage", expected="a network of the integer stage")
    return net


__all__ = ["Arrays", "from_text", "network_from_text", "to_text"]
