"""What a shell offers behind a half-written word: `snn2hw --install-completion` tells the shell to ask."""

from __future__ import annotations

from snn2hw.backends import backends, executors_of, writers_of
from snn2hw.target import target_names
from snn2hw.user_models import models_folder


def targets(incomplete: str) -> list[str]:
    """Names of targets."""
    return [name for name in target_names() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Networks that come with snn2hw."""
    return sorted(p.parent.name for p in models_folder().glob("*/model.py") if p.parent.name.startswith(incomplete))


def executors(incomplete: str) -> list[str]:
    """Names of back ends that run networks, behind commas, too."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in executors_of(backends()) if name.startswith(last)]


def exports(incomplete: str) -> list[str]:
    """Names of back ends that write networks."""
    return [name for name in writers_of(backends()) if name.startswith(incomplete)]
