"""A network on a microcontroller: whether its program and its memory fit, and how long a sample takes."""

from __future__ import annotations

from snn2hw.backends.c.fits import folder_lacks
from snn2hw.estimation.emulated import unavailable
from snn2hw.estimation.held import Asked, Held, Used
from snn2hw.estimation.microcontroller import measured
from snn2hw.estimation.quantity import Quantity

SAMPLES = 4  # that are emulated: a sample of a large network takes seconds


def on_microcontroller(asked: Asked) -> Held:
    """The C folder compiled for its CPU and emulated; nothing is said where the tools for that are missing."""
    controller, net = asked.chip.microcontroller, asked.artefact.network
    assert controller is not None
    if lacks := folder_lacks(net):  # of a whole sample, as it is what is counted
        return Held(False, tuple(str(lack) for lack in lacks), no_latency="there is no program of it")
    if problem := unavailable():
        return Held(None, not_public=(f"flash, RAM and cycles are not measured here: {problem}",), no_latency=problem)
    found = measured(asked.artefact, controller.cpu, asked.payloads[:, :SAMPLES])
    memory = {
        "flash": Used(found.flash, controller.flash_bytes, "bytes"),
        "RAM": Used(found.ram, controller.ram_bytes, "bytes"),
    }
    reasons = tuple(
        f"{name}: {used.used:,.0f} bytes, limit {used.limit:,.0f}"
        for name, used in memory.items()
        if used.limit is not None and used.used > used.limit
    )
    notes = (
        f"{found.instructions:,.0f} instructions a sample, counted on {found.samples} samples in an emulator of "
        f"{controller.cpu}; the readouts are those of the reference; {found.stack:,} bytes of the RAM are the stack",
    )
    return Held(not reasons, reasons, notes=notes, memory=memory, latency=_latency(asked, found.instructions))


def _latency(asked: Asked, instructions: float) -> Quantity | None:
    """instructions * cycles of one / clock."""
    prices = asked.chip.latency
    if "instruction" not in prices or "clock" not in prices:
        return None
    cycles, clock = Quantity.of(prices["instruction"], "cycles"), Quantity.of(prices["clock"], "Hz")
    return cycles.times(instructions / clock.value, "s")
