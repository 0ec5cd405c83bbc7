"""An error budget as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snn2hw.exploration.budget_result import Budget
from snn2hw.plot.library import new_axes
from snn2hw.shown import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.26  # inches of height that a quantiser takes


def budget(found: Budget, ax: Axes | None = None) -> Axes:
    """Of every quantiser that flips a spike or moves the readout: by how much it alone does, and by how much all others do.

    Args:
        found: of `snn2hw.budget`. ax: as in `raster`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    shown = [row for row in found.rows if row.alone.error or row.alone.flips]
    axes = new_axes(ax, (7.0, 1.3 + ROW * max(1, len(shown))))
    places = np.arange(len(shown))
    names = [f"{row.quantiser}" + (f", {row.bits} bits" if row.bits is not None else "") for row in shown]
    axes.barh(places - 0.2, [100 * row.alone.error for row in shown], 0.4, color="C0", label="alone")
    others = [(at + 0.2, 100 * row.without.error) for at, row in zip(places, shown, strict=True) if row.without is not None]
    axes.barh([at for at, _ in others], [e for _, e in others], 0.4, color="C1", label="all but it, weights at their widest")
    axes.axvline(100 * found.whole.error, color="0.4", linewidth=1, linestyle="--", label="all")
    axes.set_yticks(places, [plain(n) for n in names], fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("root mean square error of the readout, % of its size")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8)
    return axes
