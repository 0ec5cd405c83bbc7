"""Small helper to write an ONNX graph node by node; knows nothing of networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET = 21
IR_VERSION = 10


class GraphWriter:
    """Collects nodes and constants; every method returns the name of the value it made.

    Args:
        prefix: put before every name that is invented here, so that graphs can be nested.
    """

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self._prefix = prefix
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def node(self, op: str, inputs: Sequence[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        """One node with one output.

        Args:
            op: ONNX's name of the operator. inputs: names of values. output: of its value, and of the node.
            domain: '' for ONNX's own. attributes: of the operator.
        """
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def call(self, op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str) -> None:
        """A call of a model-local function.

        Args:
            op: the function's name. inputs, outputs: names of values. domain: of the function.
        """
        self.nodes.append(helper.make_node(op, list(inputs), list(outputs), name=outputs[0], domain=domain))

    def initializer(self, name: str, value: npt.NDArray[Any]) -> str:
        """A named array of the network."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """A small integer constant, written once, as a Constant node (functions have no initializers)."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"{self._prefix}constant/{len(self._constants)}"
            self.node("Constant", [], name, value=numpy_helper.from_array(array, name))
            self._constants[key] = name
        return self._constants[key]


def onnx_type(dtype: Any) -> int:
    """TensorProto type of a NumPy dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def value_info(name: str, dtype: Any, shape: Sequence[int | str]) -> Any:
    """A typed graph input or output.

    Args:
        name: of the value. dtype: a NumPy type. shape: numbers, or names of axes that are free.
    """
    return helper.make_tensor_value_info(name, onnx_type(dtype), list(shape))
