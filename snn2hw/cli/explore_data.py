"""What `snn2hw explore` reads: the model, and the samples of files or of the model itself, all in one layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2hw.cli.sample_files import axis_of, laid_out, refuse_own_layout
from snn2hw.errors import UsageError
from snn2hw.ir.layout import TN
from snn2hw.user_models import find_model, read_labels, read_samples, test_data, train_data


@dataclass(frozen=True)
class Files:
    """What the command line names.

    Args:
        samples, labels, sample, train: files; None where the model's own are meant. weights: of the model.
        steps, layout: as they were given; a layout is that of the files.
    """

    samples: Path | None
    labels: Path | None
    sample: Path | None
    train: Path | None
    weights: str | None
    steps: int | None
    layout: str | None

    def check(self) -> None:
        """What does not go together, before anything is read.

        Raises:
            UsageError: so it is.
        """
        if (self.samples is None) != (self.labels is None):
            raise UsageError(
                "samples and their labels are needed together",
                got="--samples alone" if self.labels is None else "--labels alone",
                expected="--samples FILE.npy and --labels FILE.npy, or neither",
                do="give both, or leave both out where the model states test_data()",
            )
        if self.samples is None and self.sample is None and self.train is None:
            refuse_own_layout(self.layout)


@dataclass(frozen=True)
class Data:
    """What is explored.

    Args:
        module: the float model. samples, labels: what is measured. sample: what is calibrated on. train: (samples, labels) to
            train on; None where nothing is trained. steps: T of static samples. layout: of all temporal samples.
        compiling: options by which `snn2hw compile` reads the same model and the same calibration samples.
    """

    module: Any
    samples: Any
    labels: Any
    sample: Any
    train: tuple[Any, Any] | None
    steps: int | None
    layout: str | None
    compiling: dict[str, object]


def read_data(model: str, files: Files, *, training: bool) -> Data:
    """Read what is explored; samples in files stay there until they are needed.

    Args:
        model: a folder of models/, or module:factory. files: what is read besides. training: whether choices are trained.

    Raises:
        UsageError: no such model or file, or the model states no data of its own.
    """
    own_data = files.samples is None or (training and files.train is None)
    found = find_model(model, files.weights, sampled=files.sample is None, measured=own_data)
    steps = files.steps if files.steps is not None else found.steps
    static = steps is not None
    tests = test_data(found, model) if files.samples is None else None
    train = train_data(found, model) if training and files.train is None else None
    own = [x for x in (found.sample, *(data[0] for data in (tests, train) if data is not None)) if x is not None]
    # A model.py says that its samples are [T, N, ...]; those of files are then laid out beside them, whatever their layout.
    told = not static and found.source is not None and bool(own)

    def opened(path: Path) -> Any:
        x = read_samples(path, axis_of(files.layout, static=static))
        return laid_out(x, files.layout, len(own[0]), static=False) if told else x

    x, y = (opened(_given(files.samples)), read_labels(_given(files.labels))) if tests is None else tests
    sample = found.sample if files.sample is None else opened(files.sample)
    compiled_on = files.sample
    if sample is None:
        sample, compiled_on = x, files.samples
    if training and files.train is not None:
        train = opened(files.train), read_labels(files.train)
    of_file = compiled_on is not None or found.source is None
    compiling: dict[str, object] = {
        "--weights": files.weights, "--sample": compiled_on, "--steps": files.steps,
        "--layout": files.layout if of_file else None,
    }  # fmt: skip
    return Data(found.module, x, y, sample, train, steps, TN if told else files.layout, compiling)


def _given(path: Path | None) -> Path:
    assert path is not None  # `Files.check` has seen that samples and labels come together
    return path
