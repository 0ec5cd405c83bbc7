"""What the docstring of a public name does not say: python -m docsite.documented

Every public function, class, method and property has a docstring. A function of two arguments or more names each of them; a
class names what it is made with, in its docstring or in those of its bases. What raises an error says which. What takes or
gives arrays says in which shape.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

from docsite import api

SEVERAL = 2
LIKE = "Arguments as "  # another function's docstring names them
OWN = "snn2hw"
ARRAYS = re.compile(r"\b(Tensor|ArrayLike|NDArray|Ints|Array|Reals)\b")
SHAPE = re.compile(r"\[[^\]]*\]|a scalar|of any shape|same shape")
PASSED_ON = ("self", "args", "kwargs", "others", "device", "dtype", "padding_mode")  # what torch takes, or hands on


def public() -> dict[str, Any]:
    """Every function and class that a page shows, by its public path."""
    found = {}
    for module in (m for m in api.MODULES if m != "snn2hw.lava"):  # Lava is imported on Python 3.10 alone
        for name, path in api.exported(module).items():
            owner, _, attribute = path.rpartition(".")
            value = getattr(importlib.import_module(owner), attribute)
            if (inspect.isfunction(value) or inspect.isclass(value)) and (value.__module__ or "").startswith(OWN):
                found[f"{module}.{name}"] = value
    return found


def missing(name: str, value: Any) -> Iterator[str]:
    """What is not said of one of them, and of its own methods."""
    if inspect.isclass(value):
        said = " ".join(inspect.cleandoc(k.__doc__ or "") for k in value.__mro__ if k is not object)
        if not (value.__doc__ or "").strip():
            yield f"{name}: no docstring"
        if not issubclass(value, Exception):
            yield from _unnamed(name, inspect.signature(value), said, 1)
        for key, member in vars(value).items():
            method = _function(member)
            if method is None or key.startswith("_"):
                continue
            told = inspect.getdoc(getattr(value, key)) or ""
            if not told:
                yield f"{name}.{key}: no docstring"
            yield from _shapeless(f"{name}.{key}", method, told + said)
        return
    said = inspect.getdoc(value) or ""
    if not said:
        yield f"{name}: no docstring"
    yield from _unnamed(name, inspect.signature(value), said, SEVERAL)
    yield from _shapeless(name, value, said)
    if re.search(r"^\s*raise \w*Error\(", inspect.getsource(value), re.M) and "Raises" not in said:
        yield f"{name}: raises an error, and does not say which"


def _shapeless(name: str, function: Any, said: str) -> Iterator[str]:
    kinds = map(str, getattr(function, "__annotations__", {}).values())
    if any(map(ARRAYS.search, kinds)) and not SHAPE.search(said):
        yield f"{name}: takes or gives arrays, and does not say in which shape"


def _function(member: Any) -> Any:
    if isinstance(member, property):
        return member.fget
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    return member if inspect.isfunction(member) else None


def _unnamed(name: str, signature: inspect.Signature, said: str, least: int) -> Iterator[str]:
    given = [p for p in signature.parameters if p not in PASSED_ON]
    if len(given) >= least and LIKE not in said:
        yield from (f"{name}: '{p}' is not named" for p in given if not re.search(rf"(?<![\w.]){re.escape(p)}(?!\w)", said))


def main() -> int:
    """Print all; exit code 1 where there is any."""
    found = public()
    lines = [line for name, value in found.items() for line in missing(name, value)]
    print("\n".join(lines) or "none")
    print(f"{len(found)} public functions and classes")
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
