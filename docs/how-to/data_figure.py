"""Draws docs/how-to/data/digits_events.svg: a scan and its ten frames of events. Run: python docs/how-to/data_figure.py"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from snn2hw.data import task

FILE = Path(__file__).parent / "data" / "digits_events.svg"
SAMPLE = 0


def main() -> None:
    """Write the picture."""
    scan, frames = (task(name, "train").samples[SAMPLE].numpy() for name in ("digits", "digits-events"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "snn2hw", "font.size": 8, "image.interpolation": "none"}):
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        axes = figure.subplots(2, 6).ravel()
        axes[0].imshow(scan[0], cmap="gray")
        axes[0].set_title("the scan")
        for t, (axis, (off, on)) in enumerate(zip(axes[1:], frames, strict=False)):
            strong = np.minimum(np.stack([on, off]) / 4, 1)  # four events of a polarity are its full colour
            axis.imshow(1 - np.stack([strong[1], np.maximum(*strong), strong[0]], -1))
            axis.set_title(f"{30 * t} to {30 * t + 30} ms")
        for axis in axes:
            axis.set_axis_off()
        FILE.parent.mkdir(exist_ok=True)
        figure.savefig(FILE, metadata={"Date": None})


if __name__ == "__main__":
    main()
