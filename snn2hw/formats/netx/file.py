"""lava-dl's HDF5 networks (`.net`) as plain records, looked at before anything large is read.

    layer/<i>/type, shape, weight, bias, ...     layer/<i>/neuron/type, iDecay, vDecay, vThMant, ...     simulation/tSample

Source: lava-dl, netx/hdf5.py (what the fields mean) and slayer/block (what is written), as of lava-dl 0.6.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, MissingExtraError, UnsupportedError
from snn2hw.formats.hdf5 import Kind, Tree, read_tree

KIND = Kind("a .net file that lava-dl exported (net.export_hdf5)", "export it again")
FLAGS = ("gradedSpike",)  # lava-dl writes true or false here
MOST = 2**31 - 1
MOST_SIZE = 1 << 16  # of a kernel, a stride, a padding
MOST_STEPS = 1 << 20
SUPPORTED = ("input", "dense", "dense_rec", "conv", "pool", "flatten", "average")
REFUSED = {
    "concat": "a concatenation, for which no writer is known",
    "convT": "a transposed convolution",
    "unpool": "an unpooling layer",
    "dense_comp": "a dense layer with complex weights",
}
NEURONS = ("LOIHI", "CUBA")
REFUSED_NEURONS = {
    "SDNN": "a sigma-delta neuron",
    "RF_PHASE": "a resonate-and-fire neuron",
    "RF_IZHIKEVICH": "a resonate-and-fire neuron",
    "ADRF_PHASE": "an adaptive resonate-and-fire neuron",
    "ADRF_IZHIKEVICH": "an adaptive resonate-and-fire neuron",
    "ALIF": "a neuron with an adaptive threshold",
    "SRMALPHA": "a spike-response neuron, which is not for chips",
    "QANN": "a quantised ANN neuron",
}


@dataclass(frozen=True)
class Layer:
    """A layer of the file.

    Args:
        index: its number. kind: its type. where: for messages. fields, neuron: name -> value, arrays or words.
    """

    index: int
    kind: str
    where: str
    fields: Mapping[str, Any]
    neuron: Mapping[str, Any]

    def array(self, name: str, default: int | None = None) -> npt.NDArray[np.int64]:
        """A field of whole numbers.

        Raises:
            FileFormatError: it is missing, or not whole numbers.
        """
        return _whole(self.fields, name, default, self.where)

    def number(self, name: str, default: int | None = None, neuron: bool = False, *, least: int = -MOST, most: int = MOST) -> int:
        """A field that is one whole number from `least` to `most`; arrays of equal ones count as one.

        Args:
            name: of the field. default: where the file has none; None: it must be there.
            neuron: whether it is one of the layer's neuron, else of the layer itself.

        Raises:
            FileFormatError: it is missing, not whole, or out of this range. UnsupportedError: it differs within the layer.
        """
        source, where = (self.neuron, f"{self.where} neuron") if neuron else (self.fields, self.where)
        values = _whole(source, name, default, where).ravel()
        if values.min() != values.max():
            raise UnsupportedError(
                f"'{name}' differs within the layer",
                where=where,
                got=f"{values.min()} to {values.max()}",
                expected="one value for the layer",
                do="train with one value for the block (shared_param=True)",
            )
        return int(self._within(name, values[:1], least, most, where)[0])

    def values(self, name: str, default: int | None, least: int, most: int) -> npt.NDArray[np.int64]:
        """A field of whole numbers from `least` to `most`, in one row.

        Args:
            name: of the field. default: where the file has none; None: it must be there.

        Raises:
            FileFormatError: it is missing, not whole, or out of this range.
        """
        return self._within(name, self.array(name, default).ravel(), least, most, self.where)

    def _within(self, name: str, values: npt.NDArray[np.int64], least: int, most: int, where: str) -> npt.NDArray[np.int64]:
        if values.min() < least or values.max() > most:
            raise FileFormatError(
                f"'{name}' is out of range",
                where=where,
                got=str(values.min() if values.min() < least else values.max()),
                expected=f"{least} to {most}",
                do="export the network again",
            )
        return values

    def pair(self, name: str, default: int | None = None, *, least: int) -> tuple[int, int]:
        """A field of one number for both axes, or one for each: (H, W), each from `least` up.

        Args:
            name: of the field. default: where the file has none; None: it must be there.

        Raises:
            FileFormatError: it is missing, not whole, too small, or more than two numbers.
        """
        values = self.array(name, default).ravel()
        if values.size not in (1, 2):
            raise FileFormatError(
                f"'{name}' is no pair",
                where=self.where,
                got=f"{values.size} values",
                expected="1 or 2",
                do="export the network again with net.export_hdf5",
            )
        sizes = self._within(name, values, least, MOST_SIZE, self.where)
        return int(sizes[0]), int(sizes[-1])


@dataclass(frozen=True)
class NetxFile:
    """The layers in order, and how many steps a sample had in training (None where the file does not say)."""

    layers: tuple[Layer, ...]
    steps: int | None


def read_netx(path: Path) -> NetxFile:
    """Read a .net file.

    Raises:
        MissingExtraError: h5py is not installed. FileFormatError: not HDF5, truncated, without layers, or with absurd sizes.
        UnsupportedError: a layer or neuron that has no meaning here, by name.
    """
    if importlib.util.find_spec("h5py") is None:
        raise MissingExtraError("h5py", "netx", "reading a .net file")
    return _network(read_tree(path, KIND, _wanted), str(path))


def _wanted(path: tuple[str, ...]) -> bool:
    """Layers with their fields and the fields of their neurons; of the simulation the number of steps."""
    if path[0] == "simulation":
        return len(path) == 1 or path[1] == "tSample"
    return path[0] == "layer" and (len(path) <= 3 or (path[2] == "neuron" and len(path) == 4))


def _network(file: Tree, where: str) -> NetxFile:
    groups = file.get("layer")
    if not isinstance(groups, dict) or not groups or not all(isinstance(g, dict) for g in groups.values()):
        raise FileFormatError(
            "this HDF5 file holds no lava-dl network",
            where=where,
            got=", ".join(sorted(file)) or "an empty file",
            expected="a group 'layer' with the layers by number",
            do="export the network with net.export_hdf5",
        )
    if missing := [n for n in map(str, range(len(groups))) if n not in groups]:
        raise FileFormatError(
            "the layers are not numbered one after the other",
            where=f"{where}: layer",
            got=", ".join(sorted(groups)),
            expected=f"0 to {len(groups) - 1}; there is no {missing[0]}",
            do="export the network with net.export_hdf5",
        )
    layers = tuple(_layer(n, groups[str(n)], f"{where}: layer/{n}") for n in range(len(groups)))
    return NetxFile(layers, _steps(file, where))


def _steps(file: Tree, where: str) -> int | None:
    simulation = file.get("simulation")
    if not isinstance(simulation, dict) or "tSample" not in simulation:
        return None
    return Layer(-1, "", f"{where}: simulation", simulation, {}).number("tSample", least=1, most=MOST_STEPS)


def _layer(index: int, fields: Tree, where: str) -> Layer:
    kind = _word(fields, "type")
    if kind is None:
        raise FileFormatError(
            "a layer has no type",
            where=where,
            got=", ".join(sorted(fields)) or "an empty group",
            expected=", ".join(SUPPORTED),
            do="export the network with net.export_hdf5",
        )
    where = f"{where} ({kind})"
    _check_known(kind, SUPPORTED, REFUSED, "layer", where)
    neuron = fields.get("neuron", {})
    if not isinstance(neuron, dict):
        raise FileFormatError(
            "'neuron' is no group",
            where=where,
            got=type(neuron).__name__,
            expected="a group with the neuron's parameters",
            do="export the network with net.export_hdf5",
        )
    if "neuron" in fields:
        _check_known(_word(neuron, "type") or "nothing", NEURONS, REFUSED_NEURONS, "neuron", where)
    return Layer(index, kind, where, fields, neuron)


def _word(fields: Tree, name: str) -> str | None:
    """A field that is one word, alone or in an array."""
    value = np.asarray(fields.get(name), object).ravel()
    return value[0] if value.size == 1 and isinstance(value[0], str) else None


def _check_known(kind: str, supported: tuple[str, ...], refused: Mapping[str, str], what: str, where: str) -> None:
    if kind not in supported:
        raise UnsupportedError(
            f"a {what} of this type is not supported",
            where=where,
            got=f"'{kind}'" + (f", {refused[kind]}" if kind in refused else ""),
            expected=", ".join(supported),
            do="replace it in training, or open an issue with the file",
        )


def _whole(source: Mapping[str, Any], name: str, default: int | None, where: str) -> npt.NDArray[np.int64]:
    value = source.get(name)
    if value is None:
        if default is None:
            raise FileFormatError(
                "a field is missing",
                where=where,
                got=", ".join(sorted(source)) or "none",
                expected=f"'{name}'",
                do="export the network with net.export_hdf5",
            )
        return np.array(default, np.int64)
    array = np.asarray(value)
    if array.dtype.kind == "b" and name in FLAGS:
        array = array.astype(np.int8)
    if array.dtype.kind not in "iuf" or array.dtype.itemsize not in (1, 2, 4, 8) or array.dtype == np.float16:
        raise FileFormatError(
            f"'{name}' is not in numbers of a type that lava-dl writes",
            where=where,
            got="a group" if isinstance(value, dict) else "words" if array.dtype == object else str(array.dtype),
            expected="integers, float32 or float64",
            do="export it with net.export_hdf5",
        )
    if not array.size:
        raise FileFormatError(
            f"'{name}' is empty",
            where=where,
            got=str(list(array.shape)),
            expected="at least one number",
            do="export the network with net.export_hdf5",
        )
    if array.dtype.kind == "f" and (wrong := ~np.isfinite(array) | (array != np.round(array))).any():
        raise FileFormatError(
            f"'{name}' is not in whole numbers",
            where=where,
            got=f"{array.dtype}, {array[wrong].ravel()[0]!s} among them",
            expected="the integers of a network exported for the chip",
            do="export it after training with quantisation",
        )
    low, high = array.min(), array.max()
    if low <= -(2**31) or high >= 2**31:
        raise FileFormatError(
            f"'{name}' is beyond 32 bits",
            where=where,
            got=str(high if high >= 2**31 else low),
            expected="the integers of a network exported for the chip",
            do="export it after training with quantisation",
        )
    return array.astype(np.int64)
