"""Draws docs/reference/neurons/surrogates.svg from the package's own functions; needs matplotlib."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import torch

from snn2hw import nn

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "snn2hw"  # the same file every time
from matplotlib.figure import Figure  # noqa: E402

PAGE = Path(__file__).with_name("neurons")
KINDS = (nn.Rectangle, nn.Triangle, nn.Sigmoid, nn.Atan)


def main() -> None:
    """Soft steps, their slopes, and their derivatives by the width, all of width 1."""
    x, width = torch.linspace(-1.6, 1.6, 641), torch.tensor(1.0)
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    for axes, title, name in zip(
        figure.subplots(1, 3),
        ("S(x), width 1", "dS/dx: the gradient", "dS/dwidth"),
        ("soft", "slope", "width_slope"),
        strict=True,
    ):
        for kind in KINDS:
            axes.plot(x, getattr(kind(), name)(x, width), label=kind.__name__, linewidth=1.4)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("x = r - theta", fontsize=9)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    PAGE.mkdir(exist_ok=True)
    figure.savefig(PAGE / "surrogates.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
