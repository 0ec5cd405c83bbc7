"""Layers without a state: float arrays or integers enter, those of the next layer leave.

One file each holds the float layer, the integer layer, and how the one becomes the other.

Inputs, neurons, delays, recurrent edges and readouts, which give a network its form in time, are in `snn2hw.ir`.
"""

from snn2hw.layers.add import Add, IntAdd
from snn2hw.layers.base import IntOperator, IntSynapse, Operator, Quantiser, Rounded, Synapse
from snn2hw.layers.batch_norm import BatchNorm
from snn2hw.layers.concat import Concat, IntConcat
from snn2hw.layers.conv2d import Conv2d, IntConv2d
from snn2hw.layers.flatten import Flatten, IntFlatten
from snn2hw.layers.linear import IntLinear, Linear
from snn2hw.layers.matmul import IntMatMul, MatMul
from snn2hw.layers.multiply import IntMultiply, Multiply
from snn2hw.layers.offset import IntOffset, Offset
from snn2hw.layers.places import IntPlaces, Places
from snn2hw.layers.pools import AvgPool2d, IntMaxPool2d, IntSumPool2d, MaxPool2d
from snn2hw.layers.resize import IntResize2d, Spread2d, Upsample2d

__all__ = [
    "Add",
    "AvgPool2d",
    "BatchNorm",
    "Concat",
    "Conv2d",
    "Flatten",
    "IntAdd",
    "IntConcat",
    "IntConv2d",
    "IntFlatten",
    "IntLinear",
    "IntMatMul",
    "IntMaxPool2d",
    "IntMultiply",
    "IntOffset",
    "IntOperator",
    "IntPlaces",
    "IntResize2d",
    "IntSumPool2d",
    "IntSynapse",
    "Linear",
    "MatMul",
    "MaxPool2d",
    "Multiply",
    "Offset",
    "Operator",
    "Places",
    "Quantiser",
    "Rounded",
    "Spread2d",
    "Synapse",
    "Upsample2d",
]
