"""What the writer, the reader and the runners of our ONNX files agree on: names, and the types of inputs and states."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np

from snn2hw.num import Format

DOMAIN = "snn2hw"  # a neuron layer's function lives in the domain 'snn2hw.<layer>', under a name that tells its kind
LOWERED = "lowered"  # its program before it was simplified is the function in 'lowered.snn2hw.<layer>', which nothing calls
NETWORK_KEY = "snn2hw.network"  # metadata: the network as JSON; its arrays are the initializers
# A file of another format is refused. What the simplification makes of a program is a part of the format, for a reader makes it
# again from the lowered program and compares: who changes a rewrite counts up.
FORMAT_KEY, FORMAT = "snn2hw.format", "4"

INT32_LIMIT = 2**31


def onnx_name(name: str) -> str:
    """A layer's name where ONNX has a grammar: letters, digits and _ . - ~ as they are, any other character as %XX of its UTF-8.

    No two names become one, and none of them has the slash that parts our own names.
    """
    return quote(name, safe="", errors="surrogatepass")


def state_name(layer: str, state: str) -> str:
    """What a state of a layer is called between steps, behind 'state/' and 'next/'."""
    return f"{onnx_name(layer)}.{state}"


def array_name(name: str) -> str:
    """The initializer that holds the array '<layer>.<field>' of the JSON form; a field has no dot."""
    layer, _, field = name.rpartition(".")
    return f"{onnx_name(layer)}.{field}"


def payload_dtype(fmt: Format) -> Any:
    """The type in which input spike values of a format enter the graph."""
    if fmt.width > 8:
        return np.int32
    return np.int8 if fmt.signed else np.uint8


def state_dtype(fmt: Format) -> Any:
    """The type in which a state of a format enters and leaves the graph."""
    return np.int32 if fmt.interval.magnitude < INT32_LIMIT else np.int64
