"""The names of `snn2hw`, all at once: half a second of imports, which `import snn2hw` leaves to whoever uses one of them."""

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
from snn2hw.diagnosis.diagnose import diagnose
from snn2hw.diagnosis.result import Diagnosis
from snn2hw.errors import Snn2hwError
from snn2hw.estimation.estimate import Estimate, estimate
from snn2hw.evaluation import evaluate
from snn2hw.exploration.budget import budget
from snn2hw.exploration.budget_result import Budget
from snn2hw.exploration.explore import explore
from snn2hw.exploration.point import Front, Point
from snn2hw.passes.base import Options
from snn2hw.reporting.report import report
from snn2hw.trace import Trace
from snn2hw.tracing import convert
from snn2hw.user_models import open_samples
from snn2hw.verification.accuracy import Evaluation
from snn2hw.verification.differential import Difference
from snn2hw.verification.verdict import Verdict

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
