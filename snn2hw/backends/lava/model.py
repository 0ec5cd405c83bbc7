"""What our Lava processes compute on the CPU: the neuron program through the op table, and exact integer helpers."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from snn2hw.backends.lava.process import Bias, Branches, Feedback, Join, Pool, ProgramNeuron
from snn2hw.errors import ValueRangeError
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.program import SPIKES, Instruction, Op, initial_value
from snn2hw.ir.program_text import program_from_text


@implements(proc=ProgramNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyProgramNeuronModel(PyLoihiProcessModel):
    """One evaluation of the program per time step, vectorised over the layer in int64."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)
    others: np.ndarray = LavaPyType(np.ndarray, np.int64)
    constants: np.ndarray = LavaPyType(np.ndarray, np.int64)
    bias: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.program = program_from_text(proc_params["program"])
        self.rows = {i.name: n for n, i in enumerate(self.program.of(Op.PARAM))}
        self.further = [name for name in self.program.states if name not in ("u", "v")]
        self.period, self.delay = proc_params["period"], proc_params["delay"]
        self.log = _Log(proc_params["record"])

    def run_spk(self) -> None:
        """Receive, reset where a sample begins, evaluate, send."""
        x = self.a_in.recv().astype(np.int64)
        x = x + _along_channels(self.bias, x.ndim)
        self._check(x)
        if self.period and (self.time_step - 1 - self.delay) % self.period == 0:
            for name, state in self.program.states.items():
                self._state(name)[:] = initial_value(state)

        def sources(i: Instruction) -> Any:
            if i.op is Op.PARAM:
                return _along_channels(self.constants[self.rows[i.name]], x.ndim)
            return self._state(i.name).copy() if i.op is Op.STATE else x

        values = evaluate(self.program, sources)
        payload = np.broadcast_to(values[self.program.outputs[SPIKES].name], x.shape)
        for name in self.program.states:
            self._state(name)[:] = values[self.program.outputs[name].name]
        self.log.add({SPIKES: payload, **{name: self._state(name) for name in self.program.states}})
        self.s_out.send(payload.astype(np.int32))

    def _state(self, name: str) -> Any:
        return self.others[self.further.index(name)] if name in self.further else getattr(self, name)

    def _check(self, x: Any) -> None:
        """Widths are proved for this range only; what is wired by hand may leave it."""
        lo, hi = self.program.input.attrs
        if x.min() < lo or x.max() > hi:
            error = ValueRangeError(
                "the synaptic sum leaves the range that the program was made for",
                where=f"{self.program.kind}, step {self.time_step}",
                got=f"{x.min()} to {x.max()}",
                expected=f"{lo} to {hi}",
                do="use smaller weights, or give the constructor a wider input_range",
            )
            print(error, file=sys.stderr, flush=True)  # Lava itself only says that there was one
            raise error


def _along_channels(values: Any, ndim: int) -> Any:
    return np.asarray(values).reshape((-1,) + (1,) * (ndim - 1))


class _Log:
    """Appends arrays of every step to raw int64 files; none without a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder) if folder else None
        self.files: dict[str, Any] = {}

    def add(self, arrays: dict[str, np.ndarray]) -> None:
        if self.folder is None:
            return
        for name, array in arrays.items():
            if name not in self.files:
                self.folder.mkdir(parents=True, exist_ok=True)
                self.files[name] = (self.folder / f"{name}.int64").open("wb")
            self.files[name].write(np.ascontiguousarray(array, np.int64).tobytes())
            self.files[name].flush()


@implements(proc=Bias, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyBiasModel(PyLoihiProcessModel):
    """Adds one integer per channel."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    bias: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def run_spk(self) -> None:
        """Receive, add, send."""
        x = self.a_in.recv()
        self.a_out.send((x + _along_channels(self.bias, x.ndim)).astype(np.int32))


@implements(proc=Join, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyJoinModel(PyLoihiProcessModel):
    """Two branches, each delayed and shifted, added."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    b_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        zeros = np.zeros(proc_params["shape"], np.int64)
        self.shifts = proc_params["shifts"]
        self.waiting = [deque([zeros] * d) for d in proc_params["delays"]]

    def run_spk(self) -> None:
        """Receive both, take what is due, add, send."""
        total: Any = 0
        for port, line, shift in zip((self.a_in, self.b_in), self.waiting, self.shifts, strict=True):
            line.append(port.recv().astype(np.int64))
            total = total + (line.popleft() << shift)
        self.a_out.send(total.astype(np.int32))


@implements(proc=Branches, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyBranchesModel(PyLoihiProcessModel):
    """A layer of two values, by the reference's own rows."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    b_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.node = proc_params["node"]
        shapes, delays = proc_params["shapes"], proc_params["delays"]
        self.waiting = [deque([np.zeros(s, np.int64)] * d) for s, d in zip(shapes, delays, strict=True)]

    def run_spk(self) -> None:
        """Receive both, take what is due, compute, send."""
        due = []
        for port, line in zip((self.a_in, self.b_in), self.waiting, strict=True):
            line.append(port.recv().astype(np.int64))
            due.append(line.popleft()[None])
        self.a_out.send(self.node.value(due)[0].astype(np.int32))


@implements(proc=Pool, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPoolModel(PyLoihiProcessModel):
    """A layer of one value without weights, by the reference's own rows."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.node = proc_params["node"]

    def run_spk(self) -> None:
        """Receive, pool, send."""
        x = self.a_in.recv().astype(np.int64)
        self.a_out.send(self.node.value([x[None]])[0].astype(np.int32))


@implements(proc=Feedback, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyFeedbackModel(PyLoihiProcessModel):
    """What is sent before anything is received closes a loop without a deadlock, as Lava's own synapses do."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.period, self.delay, self.waits = (proc_params[name] for name in ("period", "delay", "waits"))
        self.held = np.zeros(proc_params["shape"], np.int32)

    def run_spk(self) -> None:
        """Send and receive, in the order that the loop needs; the last step of a sample leads nowhere."""
        if self.waits:
            self.a_out.send(self.held)
        ends = (self.time_step - 1 - self.delay) % self.period == self.period - 1
        self.held = self.a_in.recv().astype(np.int32) * np.int32(not ends)
        if not self.waits:
            self.a_out.send(self.held)
