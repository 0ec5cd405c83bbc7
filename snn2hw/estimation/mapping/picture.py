"""A picture of a mapping: every core of every chip as a cell, filled as far as its scarcest limit, in colours of layers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import MissingExtraError
from snn2hw.estimation.mapping.result import Mapping
from snn2hw.files.kinds import PICTURE
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, write_file
from snn2hw.shown import plain

CELL, GAP = 16, 2  # pixels of a core, and between two of them
SHOWN = 16  # chips that are drawn
LEGEND = 24  # layers that the legend names
EMPTY, FREE = 0.93, 1.0  # grey of a core that holds nothing, and of the room that is left on one

Pixels = npt.NDArray[np.float64]


def draw(mapping: Mapping, path: Path) -> Path:
    """Write the picture as PNG; needs matplotlib.

    Args:
        mapping: of a network on cores. path: the file.

    Raises:
        MissingExtraError: matplotlib is not installed. UsageError: the file is none that may be written.
    """
    check_file(path, PICTURE)
    try:
        from matplotlib import colormaps
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report", "a picture of a mapping") from error
    names = [layer.name for layer in mapping.arrangement.problem.found.placed]
    spread = colormaps["turbo"](np.linspace(0.03, 0.97, max(len(names), 2)))[:, :3]
    colours = {name: spread[k] for k, name in enumerate(names)}
    chips = min(mapping.chips, SHOWN)
    across = min(chips, 4)
    down = -(-chips // across)
    figure = Figure(figsize=(3.2 * across + 2.6, 3.2 * down + 0.6), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for chip in range(chips):
        axes[chip].imshow(pixels(mapping, chip, colours), interpolation="nearest", vmin=0, vmax=1)
        taken = int((mapping.places.chip == chip).sum())
        axes[chip].set_title(f"chip {chip}: {taken} of {mapping.chip_cores} cores", fontsize=8)
    patches = [Patch(color=colours[name], label=plain(name)) for name in names[:LEGEND]]
    if len(names) > LEGEND:
        patches.append(Patch(color="white", label=f"and {len(names) - LEGEND} more"))
    figure.legend(handles=patches, loc="outside right upper", fontsize=7)
    more = "" if mapping.chips <= SHOWN else f", of which {SHOWN} are shown"
    title = f"{mapping.network or 'network'} on {mapping.chip.name}: {mapping.cores} cores of {mapping.chips} chips{more}"
    figure.suptitle(plain(title), fontsize=9, parse_math=False)
    png = io.BytesIO()
    figure.savefig(png, dpi=110, format="png")
    write_file(path, png.getvalue() + BLANK, sealing=True)
    return path


def pixels(mapping: Mapping, chip: int, colours: dict[str, Any]) -> Pixels:
    """[height, width, 3] of one chip: its cores row by row, each filled from below.

    Args:
        mapping: the whole. chip: which. colours: (r, g, b) of each layer.
    """
    count = mapping.chip_cores
    columns = int(np.ceil(np.sqrt(count)))
    rows, step = -(-count // columns), CELL + GAP
    image = np.ones((rows * step, columns * step, 3))
    for k in range(count):
        image[_cell(k, columns)] = EMPTY
    for core in np.flatnonzero(mapping.places.chip == chip).tolist():
        position = int(mapping.places.position[core])
        if position >= 0:
            image[_cell(position, columns)] = _filled(mapping, core, colours)
    return image


def _cell(k: int, columns: int) -> tuple[slice, slice]:
    top, left = k // columns * (CELL + GAP), k % columns * (CELL + GAP)
    return slice(top, top + CELL), slice(left, left + CELL)


def _filled(mapping: Mapping, core: int, colours: dict[str, Any]) -> Pixels:
    """[CELL, CELL, 3]: as many rows as the core is full, shared out among its layers by their neurons."""
    full = max((float(share[core]) for share in mapping.utilisation.values()), default=1.0)
    height = max(1, round(CELL * min(full, 1.0)))
    cell = np.full((CELL, CELL, 3), FREE)
    cell[0], cell[-1], cell[:, 0], cell[:, -1] = EMPTY, EMPTY, EMPTY, EMPTY
    a = mapping.arrangement
    here = [a.problem.blocks[b] for b in np.flatnonzero(a.core == core)]
    total, below = sum(b.neurons for b in here), 0
    for block in here:
        above = below + block.neurons
        low, high = round(height * below / total), round(height * above / total)
        cell[CELL - high : CELL - low] = colours[block.layer]
        below = above
    return cell
