"""snn2hw: trained spiking networks with learned neuron dynamics, taken to integers, with not one bit lost on the way.

import snn2hw
from snn2hw import nn                                          # needs the torch extra
model    = snn2hw.convert(snntorch_model, sample=images)     # of snnTorch, SpikingJelly, Norse; `compile` does it by itself
artefact = snn2hw.compile(model, sample=images[:64], steps=4, target="loihi2", out="build/digits")
artefact = snn2hw.load("build/digits")
trace    = snn2hw.simulate(artefact, images, executor="reference")
result   = snn2hw.evaluate(artefact, images, labels, model)    # accuracy, and every layer against the float network
cost     = snn2hw.estimate(artefact, target="loihi2", samples=images)     # whether it fits, and what a sample costs
path     = snn2hw.report(artefact, images, labels, model)              # one HTML file that shows all of it
verdict  = snn2hw.verify(artefact, images, executors=("reference", "onnxruntime"))
"""

from snn2hw.api import (
    check,
    compile,
    export,
    export_c,
    export_nir,
    load,
    read_network,
    replay_c,
    simulate,
    trace_model,
    verify,
)
from snn2hw.artefact import Artefact
from snn2hw.errors import Snn2hwError
from snn2hw.estimation.estimate import Estimate, estimate
from snn2hw.evaluation import evaluate
from snn2hw.passes.base import Options
from snn2hw.reporting.report import report
from snn2hw.trace import Trace
from snn2hw.tracing import convert
from snn2hw.verification.accuracy import Evaluation
from snn2hw.verification.differential import Difference
from snn2hw.verification.verdict import Verdict
from snn2hw.version import __version__

__all__ = [
    "Artefact",
    "Difference",
    "Estimate",
    "Evaluation",
    "Options",
    "Snn2hwError",
    "Trace",
    "Verdict",
    "__version__",
    "check",
    "compile",
    "convert",
    "estimate",
    "evaluate",
    "export",
    "export_c",
    "export_nir",
    "load",
    "read_network",
    "replay_c",
    "report",
    "simulate",
    "trace_model",
    "verify",
]
