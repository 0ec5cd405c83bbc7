"""The picture of the pipeline, in the README and on the first page: python -m docsite.pictures"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from docsite.api import ROOT

PICTURE = ROOT / "docs" / "pictures" / "pipeline.svg"
STAGES = (
    ("Your model", ("PyTorch, snnTorch", "SpikingJelly, Norse", "NIR, lava-dl")),
    ("Quantised", ("weights 2 to 8 bits", "states 8 to 24 bits", "loss measured")),
    ("Integer programs", ("one for each neuron", "width, rounding and", "overflow written out")),
    ("One ONNX file", ("integers only", "certificate", "checked again")),
    ("Back ends", ("C99, SystemVerilog", "ONNX Runtime, Lava", "PyTorch, reference")),
)
BOX, GAP, HIGH, MARGIN = 158, 30, 104, 12
INK, PAPER, FILL, LINE = "#1a1a1a", "#ffffff", "#eef2fb", "#3550a0"


def _parts() -> Iterator[str]:
    wide = 2 * MARGIN + len(STAGES) * BOX + (len(STAGES) - 1) * GAP
    high = 2 * MARGIN + HIGH + 42
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" role="img">'
    yield "<title>From a trained model to integers on every back end</title>"
    yield f'<rect width="{wide}" height="{high}" fill="{PAPER}"/>'
    for n, (head, lines) in enumerate(STAGES):
        left = MARGIN + n * (BOX + GAP)
        yield f'<rect x="{left}" y="{MARGIN}" width="{BOX}" height="{HIGH}" rx="8" fill="{FILL}" stroke="{LINE}"/>'
        yield _text(left + BOX / 2, MARGIN + 26, head, 15, "bold")
        for row, line in enumerate(lines):
            yield _text(left + BOX / 2, MARGIN + 50 + 19 * row, line, 13)
        if n:
            middle, end = MARGIN + HIGH / 2, left - 3
            yield f'<path d="M{left - GAP + 3} {middle}H{end - 6}" stroke="{INK}" stroke-width="2"/>'
            yield f'<path d="M{end} {middle}l-9 -5v10z" fill="{INK}"/>'
    yield _text(
        wide / 2,
        high - MARGIN - 4,
        "verdict: 0 differing integers, or the first one with its layer, step, neuron and cause",
        14,
        "bold",
    )
    yield "</svg>"


def _text(x: float, y: float, words: str, size: int, weight: str = "normal") -> str:
    place = f'x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}"'
    return f'<text {place} text-anchor="middle" fill="{INK}">{escape(words)}</text>'


def pipeline() -> str:
    """The picture as SVG."""
    return "\n".join(_parts()) + "\n"


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(pipeline(), encoding="utf-8")
