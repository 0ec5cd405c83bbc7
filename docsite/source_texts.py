"""What a text in the source says, read without running it: names, functions and parameters that it is made of are followed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from docsite.api import ROOT

PART = "..."  # stands for what changes from case to case
DEPTH = 4  # names behind names that are followed
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A file: its tree, what its names stand for, its functions and methods, and where what it imports is from."""

    name: str
    tree: ast.Module
    constants: dict[str, ast.expr]
    functions: dict[str, Function]
    imported: dict[str, tuple[str, str]]


@cache
def modules() -> dict[str, Module]:
    """All of snn2hw, by name."""
    found = {}
    for path in sorted((ROOT / "snn2hw").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
        imported = {
            each.asname or each.name: (node.module or "", each.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for each in node.names
        }
        found[name] = Module(name, tree, constants, functions, imported)
    return found


class Call(NamedTuple):
    """A call, the file that it stands in, and the function there."""

    node: ast.Call
    module: Module
    inside: Function | None


@cache
def calls() -> dict[str, list[Call]]:
    """Every call of snn2hw, by the last name of what is called."""
    found: dict[str, list[Call]] = {}
    for module in modules().values():
        waiting: list[tuple[ast.AST, Function | None]] = [(module.tree, None)]
        while waiting:
            node, inside = waiting.pop()
            if isinstance(node, ast.Call):
                found.setdefault(_called(node), []).append(Call(node, module, inside))
            within = node if isinstance(node, Function) else inside
            waiting += [(child, within) for child in ast.iter_child_nodes(node)]
    return found


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def text(node: ast.expr) -> str:
    """One text, with `...` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) if isinstance(part, ast.Constant) else PART for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text(node.left) + text(node.right)
    return PART


def texts(node: ast.expr, module: Module, inside: Function | None) -> list[str]:
    """Every text that this can be, each once; none where nothing of it stands in the source.

    Args:
        node: what makes the text. module: where it stands. inside: the function there.
    """
    found = [t.strip() for t in _texts(node, module, inside, DEPTH)]
    return list(dict.fromkeys(t for t in found if t.replace(PART, "").strip(" ;,:.")))


def _texts(node: ast.expr, module: Module, inside: Function | None, depth: int) -> list[str]:
    if isinstance(node, ast.IfExp | ast.BoolOp):
        either = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        return [t for value in either for t in _texts(value, module, inside, depth)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_texts(side, module, inside, depth) or [text(side)] for side in (node.left, node.right))
        return [a + b for a in left for b in right]
    if isinstance(node, ast.JoinedStr):
        return ["".join(_filled(part, module, depth) for part in node.values)]
    return _followed(node, module, inside, depth - 1) if depth else []


def _filled(part: ast.expr, module: Module, depth: int) -> str:
    """A part of an f-string: a constant of a file is written out."""
    named = isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name | ast.Attribute)
    known = _followed(part.value, module, None, depth - 1) if named and depth else []  # type: ignore[attr-defined]
    return known[0] if len(known) == 1 else text(part) if isinstance(part, ast.Constant) else PART


def _followed(node: ast.expr, module: Module, inside: Function | None, depth: int) -> list[str]:
    if isinstance(node, ast.Name):
        return _named(node.id, module, inside, depth)
    if isinstance(node, ast.Attribute):
        return _attribute(node, module, depth)
    if isinstance(node, ast.Call):
        return _returned(_called(node), module, depth) or [t for each in node.args for t in _within(each)]
    return [text(node)]


def _named(name: str, module: Module, inside: Function | None, depth: int) -> list[str]:
    """What a name stands for: where the function sets it, what its callers give, or a constant of a file."""
    if inside is not None:
        if set_here := list(_assigned(name, inside)):
            return [t for value in set_here for t in _texts(value, module, inside, depth)]
        parameters = [a.arg for a in (*inside.args.posonlyargs, *inside.args.args, *inside.args.kwonlyargs)]
        if name in parameters:
            return _given(inside, parameters.index(name), name, depth)
    if name in module.constants:
        return _texts(module.constants[name], module, None, depth)
    source, original = module.imported.get(name, ("", ""))
    there = modules().get(source)
    return _texts(there.constants[original], there, None, depth) if there and original in there.constants else []


def _assigned(name: str, function: Function) -> Iterator[ast.expr]:
    for node in (n for n in ast.walk(function) if isinstance(n, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            else:
                pairs = [(target, node.value)]
            yield from (value for to, value in pairs if isinstance(to, ast.Name) and to.id == name)


def _given(function: Function, place: int, name: str, depth: int) -> list[str]:
    """What callers of a function pass for one of its parameters."""
    found = []
    for call, module, inside in calls().get(function.name, ()):
        by_name = [k.value for k in call.keywords if k.arg == name]
        for node in by_name or call.args[place : place + 1]:
            found += _texts(node, module, inside, depth)
    return found


def _attribute(node: ast.Attribute, module: Module, depth: int) -> list[str]:
    """A constant of another module, or what the property of this name returns."""
    if isinstance(node.value, ast.Name) and node.value.id in module.imported:
        there = modules().get(".".join(module.imported[node.value.id]))
        if there is not None and node.attr in there.constants:
            return _texts(there.constants[node.attr], there, None, depth)
    return [t for other in modules().values() if node.attr in other.functions for t in _returned(node.attr, other, depth)]


def _returned(name: str, module: Module, depth: int) -> list[str]:
    there = module
    if name not in module.functions and name in module.imported:
        there = modules().get(module.imported[name][0], module)
    function = there.functions.get(name)
    returned = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value] if function else []
    return [t for value in returned for t in _texts(value, there, function, depth)]


def _within(node: ast.expr) -> list[str]:
    """Texts of several words anywhere in an expression."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        return [text(node)] if len(text(node).replace(PART, "").split()) > 1 else []
    return [t for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr) for t in _within(child)]
