"""What the modules of snnTorch, SpikingJelly and Norse are here, one file for each framework; none of them is imported.

What enters is a module of a user's model, what leaves a `Known`, or an error that names what cannot be exact.

* `snntorch`, `spikingjelly`, `norse`: `read(module, shape, where)`, and the neurons that each knows;
* `reading`, `surrogates`: what they share.
"""

from __future__ import annotations

import torch

from snn2hw.conversion.frameworks import norse, snntorch, spikingjelly
from snn2hw.conversion.frameworks.reading import base_of
from snn2hw.conversion.frameworks.surrogates import unmatched
from snn2hw.conversion.known import Known

FRAMEWORKS = {"snnTorch": snntorch, "SpikingJelly": spikingjelly, "Norse": norse}

__all__ = ["FRAMEWORKS", "framework_of", "known", "unmatched"]


def framework_of(module: torch.nn.Module) -> str | None:
    """The framework whose class a module is, or whose class the user's class derives from; None where there is none."""
    return next((name for name, room in FRAMEWORKS.items() if base_of(module, room.PACKAGE) is not None), None)


def known(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module with a state of another framework is here; None where it is none.

    Args:
        module: of the user's model.
        shape: of the input of one step without N: [C] or [C, H, W].
        where: the module's name and class, for messages: "lif1 (Leaky)".

    Raises:
        UnsupportedError: nothing here computes the same; the message names what, why, and the nearest that is.
    """
    name = framework_of(module)
    return None if name is None else FRAMEWORKS[name].read(module, shape, where)
