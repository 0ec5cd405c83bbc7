"""What a process does: compile the network with a choice of widths, and count how many samples it gets right."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.backends import Executor
from snn2hw.errors import Snn2hwError, Snn2hwWarning
from snn2hw.estimation.estimate import estimate
from snn2hw.exploration.digest import digest
from snn2hw.exploration.plan import Some
from snn2hw.exploration.point import Setting
from snn2hw.exploration.trained import Training
from snn2hw.ir.network import Network
from snn2hw.verification.accuracy import Truth
from snn2hw.verification.batches import Samples

KEPT = 64  # compiled networks that a process keeps for the next round
LUTS = "look-up tables"  # of an estimate for an FPGA
TOLD = 16  # digits of a hash in a line of the results file
COUNTED = 64  # samples on which operations are counted


@dataclass(frozen=True, eq=False)
class Given:
    """The same for all choices.

    Args:
        network: in floats. sample: what it is calibrated on. truth: of all samples. executor: what runs the integers.
        counted: samples on which operations are counted. training: what choices with epochs are trained on.
    """

    network: Network
    sample: Samples
    truth: Truth
    executor: str | Executor
    counted: npt.NDArray[Any]
    training: Training | None = None


@dataclass(frozen=True)
class Part:
    """One choice on some samples.

    Args:
        setting: the choice. some: which samples. samples: themselves. costs: whether it is asked what the choice costs.
    """

    setting: Setting
    some: Some
    samples: Samples
    costs: bool


@dataclass(frozen=True)
class Ran:
    """What came of it; a line of the results file.

    Args:
        setting, some: as asked. right: samples whose largest readout is at their label; or error: sum over the samples of
            their mean squared error. weight_memory, state_memory, operations, energy_joules, fits, luts: as `Point` has them,
            where they were asked for. refused: why the choice cannot be compiled. trained: a hash of the integers, of a choice
            that was trained: each process trains by itself, and all must find the same.
    """

    setting: Setting
    some: Some
    right: int | None = None
    error: float | None = None
    weight_memory: int | None = None
    state_memory: int | None = None
    operations: float | None = None
    energy_joules: float | None = None
    fits: bool | None = None
    luts: float | None = None
    refused: str = ""
    trained: str = ""

    def to_document(self) -> dict[str, Any]:
        """For JSON; what is None is left out."""
        rest = {k: v for k, v in asdict(self).items() if v is not None and v != ""}
        return {**rest, "setting": self.setting.to_document()}

    @staticmethod
    def from_document(given: dict[str, Any]) -> Ran:
        """Inverse of `to_document`.

        Raises:
            TypeError, KeyError: it is none.
        """
        rest = {k: v for k, v in given.items() if k not in ("setting", "some")}
        return Ran(Setting.from_document(given["setting"]), Some(**given["some"]), **rest)


def trying(given: Given) -> Callable[[Part], Ran]:
    """The function of a part, for `snn2hw.run.job`."""
    kept: OrderedDict[Setting, Artefact | str] = OrderedDict()

    def run(part: Part) -> Ran:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Snn2hwWarning)  # a choice that loses much is an answer, no surprise
            if part.setting not in kept:
                kept[part.setting] = _compiled(given, part.setting)
            kept.move_to_end(part.setting)
            while len(kept) > KEPT:
                kept.popitem(last=False)
            artefact = kept[part.setting]
            if isinstance(artefact, str):
                return Ran(part.setting, part.some, refused=artefact)
            found = _measured(given, artefact, part)
            if part.setting.epochs:
                found = replace(found, trained=digest(artefact.network)[:TOLD])
            return _with_costs(given, artefact, found) if part.costs else found

    return run


def _compiled(given: Given, setting: Setting) -> Artefact | str:
    try:
        if setting.epochs and given.training is not None:
            return given.training.compiled(setting, given.sample.opened())
        return api.compile(given.network, given.sample.opened(), target=setting.target, options=setting.options)
    except Snn2hwError as error:
        return error.what + (f": {error.got}" if error.got else "")


def _measured(given: Given, artefact: Artefact, part: Part) -> Ran:
    truth, at = given.truth, slice(part.some.start, part.some.stop, part.some.step)
    layout = None if artefact.network.input.static else "TN"
    x = part.samples.array()
    readout = api.simulate(artefact, x, given.executor, traces=False, layout=layout).readout
    if truth.classes is not None:
        return Ran(part.setting, part.some, right=int(truth.right(readout, at).sum()))
    assert truth.values is not None
    errors = ((readout[:, truth.chosen] * artefact.scale - truth.values[at]) ** 2).mean(1)
    return Ran(part.setting, part.some, error=float(np.sum(errors)))


def _with_costs(given: Given, artefact: Artefact, found: Ran) -> Ran:
    layout = None if artefact.network.input.static else "TN"
    cost = estimate(artefact, found.setting.target, given.counted, executor=given.executor, layout=layout)
    operations = cost.operations["SynapticOperations"]
    return replace(
        found,
        weight_memory=int(cost.operations["PackedBits"]),
        state_memory=int(cost.operations["StateBits"]),
        operations=float(operations["Effective_MACs"] + operations["Effective_ACs"]),
        energy_joules=None if cost.energy_joules is None else cost.energy_joules.value,
        fits=cost.fits,
        luts=None if (used := cost.memory.get(LUTS)) is None else float(used.used),
    )


def check_alike(known: Iterable[Ran], ran: Ran) -> None:
    """Refuse a result of a choice that was trained to other integers than before.

    Raises:
        Snn2hwError: so it is; the two say nothing together.
    """
    if not ran.trained:
        return
    others = {r.trained for r in known if r.setting == ran.setting and r.trained} - {ran.trained}
    if others:
        raise Snn2hwError(
            "a choice was trained to other integers than before",
            where=str(ran.setting),
            got=f"integers {ran.trained}, and {', '.join(sorted(others))} for other samples of the same choice",
            expected="the same in every process and in every run: sums of floats differ from one kind of processor to another",
            do="run it on machines of one kind, begin with another results file, or leave epochs out",
        )
