"""Every constant of a compiled network as tables: a network enters; an .npz file, or a folder of .mem and CSV, leaves.

    real value = integer * unit

A unit is one number for the table, or one for each of its first axis (output channels); no number where the network does not
tell it: of a layer whose sums meet other weights before they meet a neuron. Who reads the tables needs neither
Python nor ONNX.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.files.kinds import CONSTANTS
from snn2hw.files.record import Kind, recorded, sha256
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, write_folder, write_npz
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.program import SPIKES, Op
from snn2hw.layers import IntOperator, IntSynapse
from snn2hw.num import Format, Interval
from snn2hw.trace import MODEL_HASH, Ints

INDEX = "index.csv"
FOLDER = Kind("folder of integers", frozenset({INDEX}), edited=True, alone=True)
Unit = tuple[float, ...]
COLUMNS = "file,layer,table,shape,bits,signed,smallest,largest,unit"


@dataclass(frozen=True)
class Table:
    """Integers of one layer.

    Args:
        layer: whose. name: weight, bias, or a constant of its neuron program.
        values: the integers, of a synapse as in torch: output channels first. bits, signed: what holds each of them.
        unit: the real value of 1: one number, one for each of the first axis, or none where it is not known.
    """

    layer: str
    name: str
    values: Ints
    bits: int
    signed: bool
    unit: Unit

    @property
    def key(self) -> str:
        """Its name in an .npz file."""
        return f"{self.layer}.{self.name}"


def tables(net: IntegerNetwork) -> Iterator[Table]:
    """All constants of a network, layer by layer."""
    nodes = {n.name: n for n in net.nodes}
    for node in net.nodes:
        if isinstance(node, IntSynapse):
            total, entering = _unit_of_sum(node, net), _unit_of_value(nodes[node.inputs[0]], nodes)
            yield _table(node.name, "weight", node.weight, tuple(u / entering for u in total) if entering else ())
            yield _table(node.name, "bias", node.bias, total)
        elif isinstance(node, IntNeuron):
            for i in node.program.of(Op.PARAM):
                values, held = np.asarray(node.program.params[i.name], np.int64), i.format
                yield Table(node.name, i.name, values, held.width, held.signed, (2.0**-held.frac,))


def _table(layer: str, name: str, values: npt.NDArray[Any], unit: Unit) -> Table:
    wide = values.astype(np.int64)
    held = Format.holding(Interval(min(int(wide.min()), -1), int(wide.max())), 0)  # signed, as sums are
    return Table(layer, name, wide, held.width, held.signed, unit)


def _unit_of_value(node: IntNode, nodes: Mapping[str, IntNode]) -> float | None:
    """Of a value that is made of inputs and spikes; None where weights are between."""
    if isinstance(node, IntInput):
        return node.unit
    if node.fires:
        return 2.0**-node.format.frac
    finer = node.unit_of_input(0) if isinstance(node, IntOperator) else None
    if finer is None:
        return None
    unit = _unit_of_value(nodes[node.inputs[0]], nodes)
    return None if unit is None else unit / finer


def _unit_of_sum(node: IntNode, net: IntegerNetwork) -> Unit:
    """Of a sum, by channel where the neuron that it leads to has a factor for each; () where it leads to none."""
    for reader in net.nodes:
        for k, name in enumerate(reader.inputs):
            if name == node.name and (unit := _as_read(reader, k, node, net)):
                return unit
    return ()


def _as_read(reader: IntNode, k: int, node: IntNode, net: IntegerNetwork) -> Unit:
    """The unit of a sum as its reader takes it: input k."""
    point = 2.0**-node.format.frac
    if isinstance(reader, IntReadout):
        return (point,)
    if isinstance(reader, IntNeuron):
        return _of_neuron(reader, point)
    finer = reader.unit_of_input(k) if isinstance(reader, IntOperator) else None
    if finer is None:
        return ()
    found = _unit_of_sum(reader, net)
    if reader.shape[0] != node.shape[0]:  # channels of its own: of one unit, or not those of the sum
        found = found[:1] if len(set(found)) == 1 else ()
    return tuple(u * finer for u in found)


def _of_neuron(reader: IntNeuron, point: float) -> Unit:
    """The unit of its sum, whose binary point is at `point`."""
    if reader.meaning is not None:
        return tuple(point * factor for factor in reader.meaning.input_factor)
    if reader.equation is not None:
        return reader.equation.input_scale
    if reader.program.states:
        return (point,)
    return tuple(_passed_on(reader, channel) for channel in range(reader.program.channels))


def _passed_on(node: IntNeuron, channel: int) -> float:
    """What a program without a state, which only brings channels to one scale, makes of a sum of 1."""
    return evaluate_scalar(node.program, 1, {}, channel)[node.program.outputs[SPIKES].name] * 2.0**-node.format.frac


def write_tables(artefact: Artefact, out: Path, *, force: bool = False) -> Path:
    """Write every constant: into an .npz file where `out` ends so, else into a folder.

    The file has an array for each table, `LAYER.NAME`, its unit as `LAYER.NAME.unit`, and the sha256 of model.onnx. The folder
    has index.csv, a row for each table, and of each table a .mem file (one hexadecimal number a line in two's complement, the
    last axis fastest, as `$readmemh` reads it) and a .csv file (a row for each of the first axis).

    Args:
        artefact: a compiled model. out: the file or folder. force: replace a folder of ours although it was edited.

    Raises:
        UsageError: something of somebody else's stands there, or it cannot be written.
    """
    if out.suffix == CONSTANTS.ending:
        check_file(out, CONSTANTS, force=force)
    found = list(tables(artefact.network))
    if out.suffix == CONSTANTS.ending:
        arrays: dict[str, Any] = {MODEL_HASH: np.array(sha256(artefact.model))}
        for t in found:
            arrays |= {t.key: t.values, f"{t.key}.unit": np.array(t.unit)}
        write_npz(out, arrays, comment=BLANK, force=force)
        return out
    files: dict[str, bytes] = {}
    rows = [COLUMNS]
    for number, t in enumerate(found):
        name = f"{number:03}_{re.sub(r'[^A-Za-z0-9]+', '_', t.key)}"
        files[f"{name}.mem"] = _mem(t).encode()
        files[f"{name}.csv"] = _csv(t).encode()
        rows.append(",".join(_row(name, t)))
    files[INDEX] = ("\n".join(rows) + "\n").encode()
    return write_folder(out, recorded(files, {"model": sha256(artefact.model)}), FOLDER, force=force)


def _row(file: str, t: Table) -> list[str]:
    shape, unit = "x".join(map(str, t.values.shape)), " ".join(map(repr, t.unit))
    ends = str(int(t.values.min())), str(int(t.values.max()))
    return [file, _quoted(t.layer), _quoted(t.name), shape, str(t.bits), "yes" if t.signed else "no", *ends, unit]


def _quoted(text: str) -> str:
    """A field of CSV, whatever stands in the name."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\n\r]', text) else text


def _mem(t: Table) -> str:
    digits, mask = -(-t.bits // 4), (1 << t.bits) - 1
    return "".join(f"{int(v) & mask:0{digits}x}\n" for v in t.values.reshape(-1))


def _csv(t: Table) -> str:
    rows = t.values.reshape(len(t.values), -1) if t.values.ndim > 1 else t.values.reshape(-1, 1)
    return "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())
