"""snn2hw: trained spiking networks with learned neuron dynamics, taken to integers, with not one bit lost on the way.

import snn2hw
from snn2hw import nn                                          # needs the torch extra
model    = snn2hw.convert(snntorch_model, sample=images)     # of snnTorch, SpikingJelly, Norse; `compile` does it by itself
artefact = snn2hw.compile(model, sample=images[:64], steps=4, target="loihi2", out="build/digits")
artefact = snn2hw.load("build/digits")
trace    = snn2hw.simulate(artefact, images, executor="reference")
result   = snn2hw.evaluate(artefact, images, labels, model)    # accuracy, and every layer against the float network
cause    = snn2hw.diagnose(artefact, images, model)            # where float and integers part first, and why
cost     = snn2hw.estimate(artefact, target="loihi2", samples=images)     # whether it fits, and what a sample costs
path     = snn2hw.report(artefact, images, labels, model)              # one HTML file that shows all of it
front    = snn2hw.explore(model, images, labels, weight_bits=(2, 4, 8), steps=4)   # what fewer bits would save, and lose
budget   = snn2hw.budget(model, images, labels, steps=4)              # which quantiser costs it, and widths that follow
verdict  = snn2hw.verify(artefact, images, executors=("reference", "onnxruntime"))
"""

# ruff: noqa: F405  # the names of __all__ come from `public`

from typing import TYPE_CHECKING, Any

from snn2hw.version import __version__

if TYPE_CHECKING:
    from snn2hw.public import *  # noqa: F403

__all__ = [
    "Artefact",
    "Budget",
    "Diagnosis",
    "Difference",
    "Estimate",
    "Evaluation",
    "Front",
    "Options",
    "Point",
    "Snn2hwError",
    "Trace",
    "Verdict",
    "__version__",
    "budget",
    "check",
    "compile",
    "convert",
    "diagnose",
    "estimate",
    "evaluate",
    "explore",
    "export",
    "export_c",
    "export_nir",
    "load",
    "open_samples",
    "read_network",
    "replay_c",
    "report",
    "simulate",
    "trace_model",
    "verify",
]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: a process that needs one module of ours does not pay for all."""
    if name not in __all__:
        raise AttributeError(f"module 'snn2hw' has no attribute {name!r}")
    from snn2hw import public

    found = globals()[name] = getattr(public, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
