"""The back ends that come with snn2hw. They need no entry point, so that a plain copy of the package has them, too."""

from __future__ import annotations

from snn2hw.backends.base import Executor, Writer
from snn2hw.backends.c.writer import CWriter
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.lava.executor import LavaExecutor
from snn2hw.backends.nir import NirFiles
from snn2hw.backends.onnx.reference import OnnxReference
from snn2hw.backends.onnx.runtime import OnnxRuntime
from snn2hw.backends.reference import Reference
from snn2hw.backends.rtl.executor import Rtl
from snn2hw.backends.torch.executor import TorchExecutor

# Those that run in this process; `snn2hw verify` takes all of them where nobody names any.
EXECUTORS: dict[str, Executor] = {e.name: e for e in (Reference(), Fast(), OnnxRuntime(), OnnxReference(), TorchExecutor())}

# Those that need an environment or a build of their own, made on first use; they run when they are asked for.
SIDE_EXECUTORS: dict[str, Executor] = {e.name: e for e in (LavaExecutor(), Rtl())}

WRITERS: dict[str, Writer] = {w.name: w for w in (CWriter(), NirFiles())}
