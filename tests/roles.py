"""Roles of lowered programs, for tests that ask for one value."""

from __future__ import annotations

from snn2hw.ir.program import Program


def counter(program: Program) -> str:
    """The state that counts the steps; '' where none does."""
    firing = program.roles.firing if program.roles else None
    return (firing.counter if firing else None) or ""
