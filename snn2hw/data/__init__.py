"""Data sets to train and measure on: the name of a task, or a folder of files, enters; labelled samples leave.

Samples are [C, H, W] (static) or [T, ...] (temporal), float32; labels int.
Every one is a torch.utils.data.Dataset of (sample, label), and says its shape, classes and steps (`Samples`).

Raises:
    MissingExtraError: torch is not installed.
"""

from __future__ import annotations

from snn2hw.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401  (asked for here, so that its absence is said once and clearly)
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise MissingExtraError("torch", "torch", "snn2hw.data") from missing

from snn2hw.data import augment
from snn2hw.data.aedat import read_aedat
from snn2hw.data.cifar import CIFAR10, CIFAR100
from snn2hw.data.dvs import CIFAR10DVS
from snn2hw.data.events import Events
from snn2hw.data.gesture import DVSGesture
from snn2hw.data.heidelberg import SHD, SSC
from snn2hw.data.idx import KMNIST, MNIST, FashionMNIST, read_idx
from snn2hw.data.images import ImageFolder
from snn2hw.data.labelled import Samples
from snn2hw.data.nmnist import NMNIST, read_nmnist
from snn2hw.data.series import UEA, read_ts
from snn2hw.data.spoken import FSDD, SpeechCommands
from snn2hw.data.tasks import TASKS, Task, task
from snn2hw.data.wav import read_wav

__all__ = [
    "CIFAR10",
    "CIFAR10DVS",
    "CIFAR100",
    "FSDD",
    "KMNIST",
    "MNIST",
    "NMNIST",
    "SHD",
    "SSC",
    "TASKS",
    "UEA",
    "DVSGesture",
    "Events",
    "FashionMNIST",
    "ImageFolder",
    "Samples",
    "SpeechCommands",
    "Task",
    "augment",
    "read_aedat",
    "read_idx",
    "read_nmnist",
    "read_ts",
    "read_wav",
    "task",
]
