"""What a shell offers behind a half-written word: `snn2hw --install-completion` tells the shell to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from snn2hw.backends import AUTO, backends, executors_of, writers_of
from snn2hw.target import load_chip, target_names
from snn2hw.user_models import models_folder

Complete = Callable[[str], list[str]]


def among(words: Iterable[str]) -> Complete:
    """What completes one of these words."""
    known = tuple(words)

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


def also(complete: Complete, word: str) -> Complete:
    """What completes `word`, too, which stands for all of them, or for the best.

    Args:
        complete: what completes the others. word: the word.
    """

    def either(incomplete: str) -> list[str]:
        return [*complete(incomplete), *among([word])(incomplete)]

    return either


def several(complete: Complete) -> Complete:
    """What completes the last of several words with commas between."""

    def last_of(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + word for word in complete(last)]

    return last_of


def targets(incomplete: str) -> list[str]:
    """Names of targets."""
    return [name for name in target_names() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Networks that come with snn2hw."""
    return sorted(p.parent.name for p in models_folder().glob("*/model.py") if p.parent.name.startswith(incomplete))


def boards(incomplete: str) -> list[str]:
    """Names of targets that a circuit is placed on."""
    return [name for name in targets(incomplete) if load_chip(name).fpga is not None]


def _executors(incomplete: str) -> list[str]:
    return [name for name in executors_of(backends()) if name.startswith(incomplete)]


def exports(incomplete: str) -> list[str]:
    """Names of back ends that write networks."""
    return [name for name in writers_of(backends()) if name.startswith(incomplete)]


executor = also(_executors, AUTO)
executors, several_targets = several(_executors), several(targets)
