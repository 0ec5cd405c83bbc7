"""What a back end or a chip cannot hold of a network: all of it is said at once, by the names of the layers, before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snn2hw.errors import Snn2hwError, UnsupportedError
from snn2hw.shown import Lines, plain


@dataclass(frozen=True)
class Lack:
    """One layer, and what is missing for it.

    Args:
        where: the layer as a message names it: its `source`, or its name.
        what: one sentence: what cannot be held.
        got, expected: of the layer, and of what could be held; empty where `what` says it.
        remedy: what the user can do.
        kind: the class of the error, where this is the only lack.
    """

    where: str
    what: str
    got: str = ""
    expected: str = ""
    remedy: str = ""
    kind: type[Snn2hwError] = UnsupportedError

    @classmethod
    def of(cls, error: Snn2hwError) -> Lack:
        """The lack that an error states."""
        return cls(error.where, error.what, error.got, error.expected, error.do, type(error))

    def error(self) -> Snn2hwError:
        """The lack as an error of its own."""
        return self.kind(self.what, where=self.where, got=self.got, expected=self.expected, do=self.remedy)

    def __str__(self) -> str:
        """One line: `layer: what: got (remedy)`, without the parts that are empty."""
        said = ": ".join(part for part in (self.where, self.what, self.got) if part)
        return plain(said + f" ({self.remedy})" * bool(self.remedy))


def refusal(lacks: Sequence[Lack], what: str, do: str) -> Snn2hwError:
    """The error that names every lack: of a single one its own, of several `what` with a line for each.

    Args:
        lacks: one at least. what: what all of them stand in the way of. do: what helps against any of them.
    """
    if len(lacks) == 1:
        return lacks[0].error()
    return UnsupportedError(what, got=Lines("\n".join(map(str, lacks))), do=do)
