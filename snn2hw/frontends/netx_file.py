"""lava-dl's HDF5 networks (`.net`) as plain records, looked at before anything large is read.

    layer/<i>/type, shape, weight, bias, ...     layer/<i>/neuron/type, iDecay, vDecay, vThMant, ...     simulation/tSample

Source: lava-dl, netx/hdf5.py (what the fields mean) and slayer/block (what is written), as of lava-dl 0.6.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, MissingExtraError, UnsupportedError

MOST_BYTES = 1 << 30  # of one dataset; a header may declare any size
SUPPORTED = ("input", "dense", "conv", "pool", "flatten", "average")
REFUSED = {
    "concat": "a concatenation, for which no writer is known",
    "convT": "a transposed convolution",
    "unpool": "an unpooling layer",
    "dense_rec": "a recurrent dense layer",
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

    def number(self, name: str, default: int | None = None, neuron: bool = False) -> int:
        """A field that is one whole number; arrays of one element count as one."""
        source, where = (self.neuron, f"{self.where} neuron") if neuron else (self.fields, self.where)
        values = np.unique(_whole(source, name, default, where))
        if values.size != 1:
            raise UnsupportedError(
                f"'{name}' differs within the layer",
                where=where,
                got=f"{values.size} different values",
                expected="one for the layer",
                do="train with shared parameters",
            )
        return int(values[0])

    def pair(self, name: str, default: int | None = None) -> tuple[int, int]:
        """A field of one number for both axes, or one for each: (H, W)."""
        values = self.array(name, default).ravel()
        if values.size not in (1, 2):
            raise FileFormatError(f"'{name}' is no pair", where=self.where, got=f"{values.size} values", expected="1 or 2")
        return int(values[0]), int(values[-1])


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
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _network(file, str(path))
    except OSError as error:
        missing = not path.is_file()
        raise FileFormatError(
            "there is no such file" if missing else "this is not an HDF5 file, or it is truncated",
            where=str(path),
            got="nothing" if missing else str(error).split("(", 1)[-1].rstrip(")"),
            expected="a .net file that lava-dl exported (net.export_hdf5)",
            do="check the path" if missing else "export it again",
        ) from error


def _network(file: Any, where: str) -> NetxFile:
    groups = file.get("layer")
    if not hasattr(groups, "items") or not len(groups) or not all(name.isdigit() for name in groups):
        raise FileFormatError(
            "this HDF5 file holds no lava-dl network",
            where=where,
            got=", ".join(sorted(file)) or "an empty file",
            expected="a group 'layer' with the layers by number",
            do="export the network with net.export_hdf5",
        )
    layers = tuple(_layer(n, groups[str(n)], f"{where}: layer/{n}") for n in sorted(map(int, groups)))
    steps = file.get("simulation/tSample")
    return NetxFile(layers, None if steps is None else int(np.asarray(steps[()]).ravel()[0]))


def _layer(index: int, group: Any, where: str) -> Layer:
    fields = dict(_fields(group, where))
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise FileFormatError(
            "a layer has no type", where=where, got=", ".join(sorted(fields)) or "an empty group", expected=", ".join(SUPPORTED)
        )
    where = f"{where} ({kind})"
    _check_known(kind, SUPPORTED, REFUSED, "layer", where)
    neuron = dict(_fields(group["neuron"], where)) if "neuron" in group else {}
    if neuron:
        _check_known(str(neuron.get("type", "nothing")), NEURONS, REFUSED_NEURONS, "neuron", where)
    return Layer(index, kind, where, fields, neuron)


def _check_known(kind: str, supported: tuple[str, ...], refused: Mapping[str, str], what: str, where: str) -> None:
    if kind not in supported:
        raise UnsupportedError(
            f"a {what} of this type is not supported",
            where=where,
            got=f"'{kind}'" + (f", {refused[kind]}" if kind in refused else ""),
            expected=", ".join(supported),
            do="replace it in training, or open an issue with the file",
        )


def _fields(group: Any, where: str) -> Iterator[tuple[str, Any]]:
    for name, item in group.items():
        if not hasattr(item, "dtype"):
            continue  # a group of its own: 'neuron', or complex weights, whose absence is noticed by who needs them
        if item.size * max(item.dtype.itemsize, 1) > MOST_BYTES:
            raise FileFormatError(
                f"'{name}' is too large to be read",
                where=where,
                got=f"{list(item.shape)} of {item.dtype}",
                expected=f"at most {MOST_BYTES >> 20} MiB",
                do="check the file",
            )
        value = item[()]
        word = np.asarray(value).ravel()
        if word.dtype.kind in "SO":
            first = word[0] if word.size else b""
            yield name, first.decode(errors="replace") if isinstance(first, bytes) else str(first)
        else:
            yield name, np.asarray(value)


def _whole(source: Mapping[str, Any], name: str, default: int | None, where: str) -> npt.NDArray[np.int64]:
    value = source.get(name)
    if value is None:
        if default is None:
            raise FileFormatError(
                "a field is missing", where=where, got=", ".join(sorted(source)) or "none", expected=f"'{name}'"
            )
        return np.array(default, np.int64)
    array = np.asarray(value)
    if array.dtype.kind not in "iufb" or not np.isfinite(array).all() or (array != np.round(array)).any():
        raise FileFormatError(
            f"'{name}' is not in whole numbers",
            where=where,
            got=f"{array.dtype}, for example {array.ravel()[0]!s}" if array.size else str(array.dtype),
            expected="the integers of a network exported for the chip",
            do="export it after training with quantisation",
        )
    if array.size and np.abs(array.astype(np.float64)).max() >= 2**31:
        raise FileFormatError(f"'{name}' is beyond 32 bits", where=where, got=str(np.abs(array).max()), expected="chip integers")
    return array.astype(np.int64)
