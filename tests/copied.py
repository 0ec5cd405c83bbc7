"""What another process gets of an object."""

from __future__ import annotations

import pickle
from typing import TypeVar

Thing = TypeVar("Thing")


def copied(thing: Thing) -> Thing:
    found: Thing = pickle.loads(pickle.dumps(thing))  # noqa: S301
    return found
