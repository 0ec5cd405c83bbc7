"""The form of a compiled network on disk: JSON, one object for a node; arrays stand beside it, by name.

    network     = {"steps": T, "target": NAME, "nodes": [node, ...]}
    node        = {"is": CLASS, FIELD: value, ...}       every field of the class, by its own name; some only where they are not
                                                         what they mostly are (the signs of an addition)
    value       = number | flag | text | null | [value, ...] | node | {"array": "NODE.FIELD"} | program | equation
    program     = {"kind": KIND, "instructions": [instruction, ...], "roles": roles | null}      roles: `snn2hw.ir.roles`
    instruction = {"name": N, "op": OP, "args": [N, ...], ATTRIBUTE: value, ..., "format": "s16.13", "overflow": WORD}

The form of an equation is in `snn2hw.neurons.document`; a node without one has no such field.
A Format is its text "s16.13", an Interval is [lo, hi]; the values of a `param` lie beside it, like an array of the node.
Names are data: any text is one, and nothing in it is looked at. Who reads this form needs no Python.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from snn2hw.errors import TextError, WidthError
from snn2hw.files.read import json_value
from snn2hw.ir import roles
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Attr, Instruction, Op, Program
from snn2hw.neurons import document as equations
from snn2hw.neurons.equation import Equation
from snn2hw.num import Format, Interval
from snn2hw.plugins import entries, package

_Kind = TypeVar("_Kind")
Arrays = dict[str, npt.NDArray[Any]]

LAYERS_GROUP = "snn2hw.layers"  # of entry points: integer layers of other packages, by the name of their class
MOST = 1 << 63  # no integer of a network is as large


_OWN = (Program, Format, Interval, Equation)  # classes with a form of their own


# writing


def to_json(net: IntegerNetwork) -> tuple[str, Arrays]:
    """The network as JSON, a line for each node, and its arrays: '<node>.<field>' and, of programs, '<node>.<param>'."""
    arrays: Arrays = {}
    head = json.dumps(head_of(net))[:-1]
    nodes = ",\n".join(json.dumps(node_document(n, arrays), allow_nan=False) for n in net.nodes)
    return f'{head}, "nodes": [\n{nodes}\n]}}\n', arrays


def head_of(net: IntegerNetwork) -> dict[str, Any]:
    """The object of a network without its nodes."""
    return {"steps": net.steps, "target": net.target}


def node_document(node: IntNode, arrays: Arrays) -> dict[str, Any]:
    """The object of one node; `arrays` gets those that it refers to."""
    return _object(node, node.name, arrays)


def _object(value: Any, owner: str, arrays: Arrays) -> dict[str, Any]:
    said = [f for f in dataclasses.fields(value) if not (f.metadata.get("unsaid") and getattr(value, f.name) == f.default)]
    fields = {f.name: _written(getattr(value, f.name), f.name, owner, arrays) for f in said}
    return {"is": type(value).__name__, **fields}


def _written(value: Any, key: str, owner: str, arrays: Arrays) -> Any:
    said: Any = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, np.ndarray):
        said = _kept(value, key, owner, arrays)
    elif isinstance(value, Format):
        said = str(value)
    elif isinstance(value, Interval):
        said = [value.lo, value.hi]
    elif isinstance(value, Program):
        said = _program(value, owner, arrays)
    elif isinstance(value, Equation):
        said = equations.to_document(value)
    elif dataclasses.is_dataclass(value):
        said = _object(value, owner, arrays)
    elif isinstance(value, tuple):
        said = [_written(v, key, owner, arrays) for v in value]
    return said


def _kept(array: npt.NDArray[Any], key: str, owner: str, arrays: Arrays) -> dict[str, str]:
    name = f"{owner}.{key}"
    assert name not in arrays, f"two arrays are called '{name}'"
    arrays[name] = array
    return {"array": name}


def _program(program: Program, owner: str, arrays: Arrays) -> dict[str, Any]:
    return {
        "kind": program.kind,
        "instructions": [_instruction(i, owner, arrays) for i in program.instructions],
        "roles": None if program.roles is None else roles.to_document(program.roles),
    }


def _instruction(i: Instruction, owner: str, arrays: Arrays) -> dict[str, Any]:
    row = OPTABLE[i.op]
    attrs: dict[str, Any] = {}
    for (attr, kind), value in zip(row.attrs, i.attrs, strict=True):
        beside = kind is tuple
        plain = value.value if isinstance(value, Enum) else value
        attrs[attr] = _kept(np.asarray(value, np.int64), i.name, owner, arrays) if beside else plain
    said = {"name": i.name, "op": i.op.value, "args": list(i.args), **attrs}
    return {**said, "format": str(i.format), "overflow": row.overflow.value}


# reading


def from_json(text: str, arrays: Mapping[str, npt.NDArray[Any]]) -> IntegerNetwork:
    """Inverse of `to_json`.

    Raises:
        TextError: text that is not a network, or an array that is missing.
    """
    try:
        document = json_value(text)
    except ValueError as error:
        raise TextError("this is not the text of a network", got=str(error), expected="JSON as snn2hw writes it") from error
    return from_document(document, arrays)


def from_document(document: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> IntegerNetwork:
    """The network of an object as `to_json` writes it.

    Raises:
        TextError: as `from_json`.
    """
    fields = {"steps": int, "target": str, "nodes": list}
    if not isinstance(document, dict) or {k: type(v) for k, v in document.items()} != fields:
        raise TextError(
            "this is not the text of a network",
            got=f"an object of {', '.join(document)}"[:80] if isinstance(document, dict) else type(document).__name__,
            expected='{"steps": T, "target": NAME, "nodes": [...]}',
        )
    nodes = tuple(_node(n, at, arrays) for at, n in enumerate(document["nodes"]))
    return IntegerNetwork(document["steps"], document["target"], nodes)


def _node(document: Any, at: int, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    named = document.get("name") if isinstance(document, dict) else None
    try:
        cls = _class(_field(document, "is", str))
        return _Reader(_field(document, "name", str), arrays).dataclass(cls, document)
    except (ValueError, KeyError, TypeError, AssertionError, WidthError) as error:
        missing = isinstance(error, KeyError)
        raise TextError(
            "a node cannot be read",
            where=f"node {at}" if named is None else f"node {named!r}"[:120],
            got=f"there is no {error.args[0]!r}" if missing else str(error),
            expected="an object as snn2hw writes it",
        ) from error


def _class(name: str) -> type[IntNode]:
    """The class of this name; where nothing has it yet, the installed package that enters it is imported."""
    for entry in () if name in IntNode.kinds else entries(LAYERS_GROUP).get(name, ()):
        try:
            entry.load()
        except (Exception, SystemExit) as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise ValueError(f"{name!r} of the package {package(entry)}, which cannot be imported: {why}") from error
    if name not in IntNode.kinds:
        raise ValueError(f"unknown node {name!r}")
    return IntNode.kinds[name]


def _field(document: Any, name: str, kind: type[_Kind]) -> _Kind:
    """A field of an object that is to be of this type."""
    if not isinstance(document, dict):
        raise ValueError(f"{type(document).__name__} where an object was expected")
    value = document[name]
    if not isinstance(value, kind):
        raise ValueError(f"'{name}' is {type(value).__name__}, expected {kind.__name__}")
    return value


@cache
def _types(cls: type) -> dict[str, Any]:
    """By field of a dataclass its type."""
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


class _Reader:
    """Reads the values of one node: what a field may be is what the class says of it."""

    def __init__(self, owner: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.owner, self.arrays = owner, arrays

    def dataclass(self, cls: type, document: dict[str, Any]) -> Any:
        """An object of a class, its fields given by name."""
        fields = _types(cls)
        if foreign := [name for name in document if name != "is" and name not in fields]:
            raise ValueError(f"{cls.__name__} has no field {foreign[0]!r}")
        given = {name: self.value(fields[name], document[name], name) for name in fields if name in document}
        return cls(**given)

    def value(self, kind: Any, said: Any, key: str) -> Any:
        """A value of a type, as the fields of the classes name them.

        Args:
            kind: the type that the field has in its class. said: what the document has there. key: name of the field.
        """
        origin = get_origin(kind)
        if origin is types.UnionType:  # of a class and None
            return None if said is None else self.value(get_args(kind)[0], said, key)
        if origin is tuple:
            return self._tuple(get_args(kind), said, key)
        if origin is np.ndarray:
            return self._array(said, key)
        if dataclasses.is_dataclass(kind) and kind not in _OWN:
            return self._inner(kind, said, key)
        return self._plain(kind, said, key)

    def _plain(self, kind: Any, said: Any, key: str) -> Any:
        if kind is Program:
            return self._program(said)
        if kind is Equation:
            return equations.from_document(said)
        if kind is Format:
            return Format.parse(_is(str, said, key))
        if kind is Interval:
            return Interval(*self._tuple((int, int), said, key))
        if kind is int or (kind is float and not isinstance(said, float)):
            return _whole(said, key)
        return _is(kind, said, key)

    def _inner(self, kind: Any, said: Any, key: str) -> Any:
        named = _field(said, "is", str)
        cls: type = kind
        if named != cls.__name__:
            raise ValueError(f"'{key}' is {named!r}, expected '{cls.__name__}'")
        return self.dataclass(cls, said)

    def _tuple(self, kinds: tuple[Any, ...], said: Any, key: str) -> tuple[Any, ...]:
        each = _is(list, said, key)
        if kinds[-1] is ...:
            return tuple(self.value(kinds[0], v, key) for v in each)
        if len(each) != len(kinds):
            raise ValueError(f"'{key}' has {len(each)} values, expected {len(kinds)}")
        return tuple(self.value(k, v, key) for k, v in zip(kinds, each, strict=True))

    def _array(self, said: Any, key: str) -> npt.NDArray[Any]:
        name = _field(said, "array", str)
        if len(said) != 1 or name != f"{self.owner}.{key}":
            raise ValueError(f"'{key}' is the array {name!r}")
        return self.arrays[name]

    def _program(self, said: Any) -> Program:
        if foreign := sorted(set(_is(dict, said, "program")) - {"kind", "instructions", "roles"}):
            raise ValueError(f"a program has no field {foreign[0]!r}")
        lines = tuple(self._instruction(i) for i in _field(said, "instructions", list))
        has = None if said["roles"] is None else roles.from_document(said["roles"])
        return Program(_field(said, "kind", str), lines, has)

    def _instruction(self, said: Any) -> Instruction:
        name, op_name = _field(said, "name", str), _field(said, "op", str)
        if op_name not in {op.value for op in Op}:
            raise ValueError(f"unknown operation {op_name!r} in {name!r}")
        row = OPTABLE[Op(op_name)]
        expected = ["name", "op", "args", *(attr for attr, _ in row.attrs), "format", "overflow"]
        if list(said) != expected:
            raise ValueError(f"{name!r} has the fields {', '.join(said)}, expected {', '.join(expected)}")
        if said["overflow"] != row.overflow.value:
            raise ValueError(f"the overflow of {name!r} is {said['overflow']!r}, expected {row.overflow.value!r}")
        args = self._tuple((str, ...), said["args"], "args")
        attrs = tuple(self._attr(kind, said[attr], name if kind is tuple else attr) for attr, kind in row.attrs)
        return Instruction(name, Op(op_name), args, attrs, self.value(Format, said["format"], "format"))

    def _attr(self, kind: type, said: Any, key: str) -> Attr:
        if kind is tuple:
            values = self._array(said, key)
            if values.dtype.kind not in "iu":
                raise ValueError(f"the values of {key!r} are {values.dtype}")
            return tuple(int(v) for v in values.ravel())
        if issubclass(kind, Enum):
            return cast("Attr", kind(said))
        return _whole(said, key) if kind is int else _is(str, said, key)


def _is(kind: type[_Kind], said: Any, key: str) -> _Kind:
    if not isinstance(said, kind):
        raise ValueError(f"'{key}' is {type(said).__name__}, expected {kind.__name__}")
    return said


def _whole(said: Any, key: str) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or abs(said) >= MOST:
        raise ValueError(f"'{key}' is {str(said)[:40]}, expected an integer")
    return said
