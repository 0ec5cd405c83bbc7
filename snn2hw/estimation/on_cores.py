"""A network on a chip with cores: what it needs of them, and where its neurons lie."""

from __future__ import annotations

from snn2hw.estimation.held import Asked, Held


def on_cores(asked: Asked) -> Held:
    """Nothing is said yet of where the neurons lie."""
    return Held(None, not_public=("where the neurons lie",))
