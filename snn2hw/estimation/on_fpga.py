"""A network on an FPGA: what the generator of SystemVerilog expects of the fastest design that fits the board."""

from __future__ import annotations

from snn2hw.backends.rtl.blocks import BLOCK
from snn2hw.backends.rtl.estimate import Activity, latency
from snn2hw.backends.rtl.executor import Rtl
from snn2hw.backends.rtl.folding import fastest
from snn2hw.backends.rtl.options import of_fpga
from snn2hw.errors import UnsupportedError, UsageError
from snn2hw.estimation.held import Asked, Held, Used
from snn2hw.estimation.quantity import Quantity

MEGAHERTZ = 100.0  # that the design is made for; what a board reaches, `export --to rtl --synthesise` measures
NO_DESIGN = "there is no design of it"
OFF = 2.0  # Verilator counted 1.00 to 1.82 times the expected cycles in networks of models/; a convention, rounded up


def on_fpga(asked: Asked) -> Held:
    """The fastest design for the board, as `snn2hw export --to rtl --board` chooses it."""
    net, fpga, name = asked.artefact.network, asked.chip.fpga, asked.chip.name
    assert fpga is not None
    if lacks := Rtl().supports(net):
        return Held(False, tuple(str(lack) for lack in lacks), no_latency=NO_DESIGN)
    budget, activity = of_fpga(fpga), Activity.of(net, asked.payloads, asked.trace)
    try:
        found = fastest(net, budget, activity, MEGAHERTZ)
    except UsageError as error:
        short = tuple(f"one lane everywhere takes more than there is: {short}" for short in error.got.split("; "))
        return Held(False, short, no_latency=NO_DESIGN)
    except UnsupportedError as error:
        return Held(False, (f"{error.where}: {error.what}" if error.where else error.what,), no_latency=NO_DESIGN)
    needs = found.needs
    memory = {
        "look-up tables": Used(needs.luts, budget.luts, ""),
        f"blocks of {BLOCK} kbit": Used(needs.brams, budget.brams, ""),
        "multipliers": Used(needs.dsps, budget.dsps, ""),
    }
    seconds = latency(found.design, activity) / (MEGAHERTZ * 1e6)
    said = f"expected cycles of the generated design at {MEGAHERTZ:g} MHz; it was within a factor {OFF} of Verilator's count"
    took = Quantity(seconds, seconds / OFF, seconds * OFF, "s", "K", said)
    note = f"resources are expected, not synthesised: `snn2hw export ARTEFACT --to rtl --board {name} --synthesise` counts them"
    return Held(True, notes=(note,), memory=memory, latency=took)
