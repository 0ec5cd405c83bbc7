"""The faults that can be put into a source file: one table of operators over its syntax tree.

A fault replaces one piece of the text and leaves the rest as it stands: its diff is a line that a person could have written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

COMPARISONS: dict[type, tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
ARITHMETIC: dict[type, tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
}
COMMUTING = ("min", "max", "minimum", "maximum", "gcd", "array_equal", "hull")
CHECKS = ("strict", "stacklevel", "copy")  # arguments that guard against our own mistakes, as `assert` does, or save memory
NO_ORDER = (*COMMUTING, "isinstance", "getattr", "cast")  # a swap changes nothing, or a type that has no meaning swapped
_PAIRS = ("min max", "minimum maximum", "amin amax", "argmin argmax", "clamp_min clamp_max", "all any", "floor ceil", "inf ninf")
FUNCTIONS = {a: b for pair in _PAIRS for a, b in (pair.split(), reversed(pair.split()))} | {"round": "int", "ceil": "floor"}


@dataclass(frozen=True)
class Fault:
    """A replaced piece of a file.

    Args:
        file: relative to the checkout. function: qualified name of what it lies in. operator: of the table.
        start, end: offsets of what is replaced. text: by what. lines: first and last line of the statement around it.
        line: on which it begins.
    """

    file: str
    function: str
    operator: str
    start: int
    end: int
    text: str
    line: int
    lines: tuple[int, int]

    def applied(self, source: str) -> str:
        """The file with the fault."""
        return source[: self.start] + self.text + source[self.end :]


def faults(file: str, source: str) -> list[Fault]:
    """Every fault of a file, in order; each changes the text, and what comes of it is Python."""
    tree = ast.parse(source)
    walk = _Walk(file, source)
    walk.outermost = [walk.span(s) for s in tree.body]
    walk.block(tree.body, ())
    found = dict[tuple[int, int, str], Fault]()
    for fault in sorted(walk.found, key=lambda f: (f.start, f.end, f.operator, f.text)):
        if fault.text == source[fault.start : fault.end]:
            continue
        if walk.is_python(fault):
            found.setdefault((fault.start, fault.end, fault.text), fault)
    return list(found.values())


class _Walk:
    def __init__(self, file: str, source: str) -> None:
        self.file, self.source, self.found = file, source, list[Fault]()
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = source.splitlines()
        self.outermost: list[tuple[int, int]] = []
        self._around: tuple[str, tuple[int, int]] = ("", (1, 1))

    def is_python(self, fault: Fault) -> bool:
        """Whether the outermost statement around the fault can still be parsed; to parse the whole file would take minutes."""
        start, end = next(((a, b) for a, b in self.outermost if a <= fault.start and fault.end <= b), (0, len(self.source)))
        try:
            ast.parse(self.source[start : fault.start] + fault.text + self.source[fault.end : end])
        except SyntaxError:
            return False
        return True

    def at(self, line: int, column: int) -> int:
        """Offset of a line and a column, which `ast` counts in bytes of UTF-8."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Offsets of a node."""
        n: ast.expr = node  # type: ignore[assignment]
        assert n.end_lineno is not None
        assert n.end_col_offset is not None
        return self.at(n.lineno, n.col_offset), self.at(n.end_lineno, n.end_col_offset)

    def text(self, node: ast.AST) -> str:
        """Its text."""
        start, end = self.span(node)
        return self.source[start:end]

    def put(self, operator: str, start: int, end: int, text: str) -> None:
        """Note a fault."""
        line = self.source.count("\n", 0, start) + 1
        function, lines = self._around
        self.found.append(Fault(self.file, function, operator, start, end, text, line, lines))

    def block(self, body: list[ast.stmt], path: tuple[str, ...]) -> None:
        """A list of statements."""
        known: set[str] = set()
        for n, statement in enumerate(body):
            docstring = n == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not docstring:
                self.statement(statement, path, known, alone=len(body) == 1)
            known |= {t.id for t in getattr(statement, "targets", []) if isinstance(t, ast.Name)}

    def statement(self, s: ast.stmt, path: tuple[str, ...], known: set[str], alone: bool) -> None:
        """One statement: dropped, and everything within it."""
        if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.definition(s, (*path, s.name))
            return
        if isinstance(s, ast.Import | ast.ImportFrom | ast.Assert | ast.Pass | ast.Global | ast.Nonlocal):
            return
        if isinstance(s, ast.If) and "TYPE_CHECKING" in ast.dump(s.test):
            return
        bodies = [getattr(s, name) for name in ("body", "orelse", "finalbody") if getattr(s, name, None)]
        last = bodies[0][0].lineno - 1 if bodies else s.end_lineno or s.lineno
        self._around = (".".join(path), (s.lineno, max(s.lineno, last)))
        if path and self.droppable(s, known, alone):
            self.put("dropped statement", *self.span(s), "pass")
        if isinstance(s, ast.If | ast.While):
            self.put("condition", *self.span(s.test), f"not ({self.text(s.test)})")
        if isinstance(s, ast.AugAssign) and type(s.op) in ARITHMETIC:
            self.between("arithmetic", s.target, s.value, *(f"{op}=" for op in ARITHMETIC[type(s.op)]))
        for name, value in ast.iter_fields(s):
            if name not in ("body", "orelse", "finalbody", "handlers", "annotation", "targets", "target", "cases"):
                self.values(value, quiet=isinstance(s, ast.Raise))
        for body in bodies:
            self.block(body, path)
        for handler in getattr(s, "handlers", []):
            self.block(handler.body, path)
        for case in getattr(s, "cases", []):
            self.block(case.body, path)

    def definition(self, s: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, path: tuple[str, ...]) -> None:
        """A function or class; a function returns at once, too."""
        if not isinstance(s, ast.ClassDef):
            self._around = (".".join(path), (s.lineno, s.lineno))
            self.values([*s.args.defaults, *s.args.kw_defaults], quiet=False)
            documented = ast.get_docstring(s) is not None
            body = s.body[1:] if documented else s.body
            returns = s.returns is None or ast.unparse(s.returns) != "None"
            if body and not (len(body) == 1 and isinstance(body[0], ast.Raise | ast.Pass)):
                start, _ = self.span(body[0])
                self._around = (".".join(path), (body[0].lineno, body[0].lineno))
                stop = "return None\n" if returns or len(body) > 1 else ""
                if stop and not self.source[self._starts[body[0].lineno - 1] : start].strip():
                    self.put("early return", start, start, stop + " " * body[0].col_offset)
        self.block(s.body, path)

    @staticmethod
    def droppable(s: ast.stmt, known: set[str], alone: bool) -> bool:
        """Whether a program without this statement still means something."""
        if isinstance(s, ast.Assign):
            return all(not isinstance(t, ast.Name | ast.Tuple) or (isinstance(t, ast.Name) and t.id in known) for t in s.targets)
        return isinstance(s, ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break) or (
            isinstance(s, ast.Return) and not alone and s.value is None
        )

    def values(self, value: object, quiet: bool) -> None:
        """Expressions in a field of a node; `quiet` ones make the text of an error."""
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and not quiet:
                self.expression(node)

    def expression(self, node: ast.AST) -> None:
        """An expression and all within it; strings that are put together have no reliable places before Python 3.12."""
        if isinstance(node, ast.JoinedStr):
            return
        if (row := _EXPRESSIONS.get(type(node))) is not None:
            row(self, node)
        if isinstance(node, ast.keyword) and node.arg in CHECKS:
            return
        for name, value in ast.iter_fields(node):
            if name != "annotation":
                self.values(value, quiet=False)

    def between(self, operator: str, left: ast.AST, right: ast.AST, old: str, new: str) -> None:
        """Another operator between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        place = self.source.find(old, start, end)
        if place >= 0:
            self.put(operator, place, place + len(old), new)


def _compare(w: _Walk, node: ast.Compare) -> None:
    operands = [node.left, *node.comparators]
    for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
        w.between("comparison", left, right, *COMPARISONS[type(op)])


def _arithmetic(w: _Walk, node: ast.BinOp) -> None:
    if type(node.op) in ARITHMETIC:
        w.between("arithmetic", node.left, node.right, *ARITHMETIC[type(node.op)])


def _unary(w: _Walk, node: ast.UnaryOp) -> None:
    if isinstance(node.op, ast.Not | ast.USub):
        w.put("boolean" if isinstance(node.op, ast.Not) else "arithmetic", *w.span(node), w.text(node.operand))


def _boolean(w: _Walk, node: ast.BoolOp) -> None:
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        w.between("boolean", left, right, old, new)


def _constant(w: _Walk, node: ast.Constant) -> None:
    if isinstance(node.value, bool):
        w.put("constant", *w.span(node), str(not node.value))
    elif isinstance(node.value, int):
        for moved in (node.value + 1, node.value - 1):
            w.put("constant", *w.span(node), str(moved) if moved >= 0 else f"({moved})")
    elif isinstance(node.value, float):
        w.put("constant", *w.span(node), repr(node.value + 1.0))


def _conditional(w: _Walk, node: ast.IfExp) -> None:
    w.put("condition", *w.span(node.test), f"(not ({w.text(node.test)}))")


def _filter(w: _Walk, node: ast.comprehension) -> None:
    for test in node.ifs:
        w.put("condition", *w.span(test), f"(not ({w.text(test)}))")


def _call(w: _Walk, node: ast.Call) -> None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in FUNCTIONS:
        _, end = w.span(node.func)
        w.put(name, end - len(name), end, FUNCTIONS[name])
    first = [a for a in node.args if not isinstance(a, ast.Starred)]
    if len(first) > 1 and first == node.args[: len(first)]:
        a, b = first[:2]
        if name not in NO_ORDER:
            w.put("swapped arguments", w.span(a)[0], w.span(b)[1], f"{w.text(b)}, {w.text(a)}")
        if len(first) == len(node.args) and name not in (*FUNCTIONS, *NO_ORDER):
            w.put("dropped argument", w.span(node.args[-2])[1], w.span(node.args[-1])[1], "")
    for k, keyword in enumerate(node.keywords):
        if keyword.arg is None or keyword.arg in CHECKS:
            continue
        start, end = w.span(keyword)
        before = [*node.args, *node.keywords[:k]]
        after = node.keywords[k + 1 :]
        if before and not after:
            start = max(w.span(b)[1] for b in before)
        elif after:
            end = w.span(after[0])[0]
        w.put("dropped argument", start, end, "")


_EXPRESSIONS: dict[type, Callable[[_Walk, Any], None]] = {
    ast.Compare: _compare,
    ast.BinOp: _arithmetic,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Constant: _constant,
    ast.IfExp: _conditional,
    ast.comprehension: _filter,
    ast.Call: _call,
}
