"""What the writer, the reader and the runners of our ONNX files agree on: names, and the types of inputs and states."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.num import Format

DOMAIN = "snn2hw"  # a neuron layer's function lives in the domain 'snn2hw.<layer>', under the name of its kind
NETWORK_KEY = "snn2hw.network"  # metadata: the network's text form; its arrays are the initializers
FORMAT_KEY, FORMAT = "snn2hw.format", "2"  # a file of another format is refused

INT32_LIMIT = 2**31


def payload_dtype(fmt: Format) -> Any:
    """The type in which input payloads of a format enter the graph."""
    if fmt.width > 8:
        return np.int32
    return np.int8 if fmt.signed else np.uint8


def state_dtype(fmt: Format) -> Any:
    """The type in which a state of a format enters and leaves the graph."""
    return np.int32 if fmt.interval.magnitude < INT32_LIMIT else np.int64
