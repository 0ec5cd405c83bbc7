"""The text form of a neuron program: one instruction a line, printed and parsed back without loss.

program LNM
  u = state lo=-32768 hi=32767 initial=0 : s16.13 proved
  x = input lo=-900 hi=1200 : s12.7 proved
  ...
  spike = ge h threshold : u1.0 proved
  spikes = output spike to=spikes : u1.0 proved
  roles {"state": "u", "membrane": "h", ...}

The last line says what the values are to the neuron (`snn2hw.ir.roles`); programs that were integers from the start have none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum

from snn2hw.errors import TextError, WidthError
from snn2hw.ir import roles
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Attr, Instruction, Op, Program
from snn2hw.ir.roles import named
from snn2hw.num import Format

ValuesWriter = Callable[[str, "tuple[int, ...]"], str]
ValuesReader = Callable[[str], "tuple[int, ...]"]

_ROLES = "roles "
_LINE = re.compile(r"(\w+) = (\w+)((?: [^:=\s]+)*?)((?: \w+=\S+)*) : ([su]\d+\.-?\d+) (\w+)")


def _write_values(name: str, values: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, values)) + "]"


def _read_values(text: str) -> tuple[int, ...]:
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError(f"{text!r} is no list like [1,2]")
    return tuple(int(v) for v in text[1:-1].split(","))


def program_to_text(program: Program, write_values: ValuesWriter = _write_values) -> str:
    """The program as text; `write_values` may replace the values of a param by a reference to them."""
    lines = [f"program {program.kind}"]
    lines += ["  " + instruction_to_text(i, write_values) for i in program.instructions]
    if program.roles is not None:
        lines.append(f"  {_ROLES}{json.dumps(roles.to_document(program.roles))}")
    return "\n".join(lines) + "\n"


def program_with_comments(program: Program, write_values: ValuesWriter = _write_values, of: roles.Roles | None = None) -> str:
    """The program for a reader: what each value is to the neuron stands behind its line, in place of the roles.

    Args:
        program: simplified or not. write_values: how values of constants are written.
        of: the roles of the program that a simplified one was made of; values that are left are the same.
    """
    said: dict[str, list[str]] = {}
    has = program.roles or of
    for role, value in named(has) if has else ():
        said.setdefault(value, []).append(role)
    lines = [f"program {program.kind}"]
    for i in program.instructions:
        lines.append("  " + instruction_to_text(i, write_values) + (f"   # {', '.join(said[i.name])}" if i.name in said else ""))
    return "\n".join(lines)


def instruction_to_text(i: Instruction, write_values: ValuesWriter = _write_values) -> str:
    """One instruction as one line."""
    row = OPTABLE[i.op]
    words = [i.name, "=", i.op.value, *i.args]
    for (attr, _), value in zip(row.attrs, i.attrs, strict=True):
        shown = value.value if isinstance(value, Enum) else value
        words.append(f"{attr}={write_values(i.name, shown) if isinstance(shown, tuple) else shown}")
    return " ".join([*words, ":", str(i.format), row.overflow.value])


def program_from_text(text: str, read_values: ValuesReader = _read_values) -> Program:
    """Inverse of `program_to_text`.

    Raises:
        TextError: naming the line that cannot be read.
    """
    head, *lines = text.strip("\n").splitlines() or [""]
    match = re.fullmatch(r"program (\w+)", head.strip())
    if match is None:
        raise TextError("this is not the text of a program", where="line 1", got=repr(head), expected="program NAME")
    has = _roles(lines.pop().strip(), len(lines) + 2) if lines and lines[-1].strip().startswith(_ROLES) else None
    return Program(match[1], tuple(_instruction(line.strip(), n, read_values) for n, line in enumerate(lines, 2)), has)


def _roles(line: str, number: int) -> roles.Roles:
    try:
        return roles.from_document(json.loads(line.removeprefix(_ROLES)))
    except ValueError as error:
        raise TextError("the roles cannot be read", where=f"line {number}", got=str(error)) from error


def _instruction(line: str, number: int, read_values: ValuesReader) -> Instruction:
    match = _LINE.fullmatch(line)
    where = f"line {number}: {line}"
    if match is None:
        raise TextError("this line is not an instruction", where=where, expected="name = op args attr=value : s16.12 proved")
    name, op_name, args, attr_text, fmt, overflow = match.groups()
    if op_name not in {op.value for op in Op}:
        raise TextError("unknown operation", where=where, got=op_name, expected=", ".join(op.value for op in Op))
    op = Op(op_name)
    row = OPTABLE[op]
    given = dict(word.split("=", 1) for word in attr_text.split())
    if len(given) != len(attr_text.split()) or list(given) != [attr for attr, _ in row.attrs]:
        raise TextError(
            "wrong attributes",
            where=where,
            got=", ".join(given) or "none",
            expected=", ".join(attr for attr, _ in row.attrs) or "none",
        )
    if overflow != row.overflow.value:
        raise TextError("wrong overflow", where=where, got=overflow, expected=row.overflow.value)
    try:
        attrs = tuple(_attr(kind, given[attr], read_values) for attr, kind in row.attrs)
    except ValueError as error:
        raise TextError("an attribute cannot be read", where=where, got=str(error)) from error
    try:
        return Instruction(name, op, tuple(args.split()), attrs, Format.parse(fmt))
    except WidthError as error:
        raise TextError(error.what, where=where, got=error.got, expected=error.expected) from error


def _attr(kind: type, text: str, read_values: ValuesReader) -> Attr:
    if kind is tuple:
        return read_values(text)
    value: Attr = kind(text)
    return value
