"""Every exception a user can meet. An error says what is wrong, where, what was got, what was expected, what to do."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from snn2hw.shown import Lines, plain, plain_lines

INDENT = " " * 12  # what goes on in a second line, below the first


class Snn2hwError(Exception):
    """Base of all user errors; the message is built from its parts so that every error reads the same way.

    Args:
        what: one sentence: what is wrong.
        where: node and torch module path, file, or signal the error belongs to.
        got: the offending value or fact.
        expected: what would have been accepted.
        do: what the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", do: str = "") -> None:
        self.what, self.where, self.got, self.expected, self.do = what, where, got, expected, do
        super().__init__(_text(what, where=where, got=got, expected=expected, do=do))

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker process hands its error over as it is: made again from its text, its lines would be taken for a name."""
        return _as_it_was, (type(self), self.args, self.__dict__)


_Kind = TypeVar("_Kind", "Snn2hwError", "Snn2hwWarning")


def _as_it_was(kind: type[_Kind], args: tuple[Any, ...], parts: dict[str, Any]) -> _Kind:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(parts)
    return error


class Snn2hwWarning(UserWarning):
    """What a user should know although nothing fails; built from the parts of an error (`Snn2hwError`), and its cause."""

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", cause: str = "", do: str = "") -> None:
        super().__init__(_text(what, where=where, got=got, expected=expected, cause=cause, do=do))

    def __reduce__(self) -> tuple[Any, ...]:
        """As that of an error."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _text(what: str, **parts: str) -> str:
    """One line each, whatever names stand in them; only `Lines`, another program's own, go on below each other."""
    # torch's DataLoader makes the error of a worker again, from the text of its traceback: that text has lines.
    head = plain_lines(what) if re.match(r"Caught \w+ in DataLoader worker process \d+\.\n", what) else plain(what)
    return "\n".join([head, *(f"  {name + ':':9} {_part(part)}" for name, part in parts.items() if part)])


def _part(part: str) -> str:
    return plain_lines(part).replace("\n", "\n" + INDENT) if isinstance(part, Lines) else plain(part)


class UnsupportedError(Snn2hwError):
    """A module, operation or control flow that has no meaning in the integer network."""


class ShapeError(Snn2hwError):
    """Shapes, channels or numbers of steps that do not fit together."""


class ValueRangeError(Snn2hwError):
    """NaN, Inf, or a value outside its declared range."""


class WidthError(Snn2hwError):
    """A value that cannot be held in the widths of the target."""


class TargetError(Snn2hwError):
    """An unknown target, or a target file with a missing or impossible field."""


class ArtefactError(Snn2hwError):
    """A compiled folder or a trace file that is truncated, foreign, tampered with, or of another model."""


class CheckpointError(Snn2hwError):
    """A training checkpoint that is truncated, foreign, or of another model, recipe, seed or data."""


class RuleError(Snn2hwError):
    """A network or program that breaks a written rule of its stage (see `snn2hw.ir.rules`)."""


class TextError(Snn2hwError):
    """Text that is not in the form of a program or network."""


class UsageError(Snn2hwError):
    """A wrong argument or option."""


class MissingExtraError(Snn2hwError):
    """Optional packages that are not installed.

    Args:
        package: its name at the package index. extra: of snn2hw, which brings all of them. needed_for: what needs them.
        others: more packages that are missing.
    """

    def __init__(self, package: str, extra: str, needed_for: str, *others: str) -> None:
        names = [f"'{name}'" for name in (package, *others)]
        named = (
            f"package {names[0]}, which is" if len(names) == 1 else f"packages {', '.join(names[:-1])} and {names[-1]}, which are"
        )
        super().__init__(
            f"{needed_for} needs the {named} not installed",
            got=f"no module named {', '.join(names)}",
            expected=f"snn2hw installed with its '{extra}' extra",
            do=f"pip install 'snn2hw[{extra}]'",
        )
        self.package, self.extra = package, extra


class ExecutorUnavailableError(Snn2hwError):
    """An executor that was asked for and cannot run here."""


class FileFormatError(Snn2hwError):
    """A network file of another framework that is truncated, foreign, or lacks what its format asks for."""


class DataError(Snn2hwError):
    """A folder or file of a data set that is missing, truncated, damaged, or of another format."""
