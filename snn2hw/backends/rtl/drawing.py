"""The block diagram of a design, as SVG: modules below each other in the order in which values pass them."""

from __future__ import annotations

from html import escape

from snn2hw.backends.rtl.design import Design, Module
from snn2hw.backends.rtl.streams import EVENTS, Stream

WIDTH, HEIGHT, GAP, LEFT, STEP = 420, 46, 26, 90, 14
SUMS, ENDS = "#dbe9f6", "#e8e8e8"
COLOURS = {"snn_scatter": SUMS, "snn_product": SUMS, "snn_readout": ENDS, "snn_pixels": ENDS, "snn_events": ENDS}
NEURONS, OTHERS = "#fde3cf", "#eef3e6"
SAYS = {
    "snn_pixels": "images in", "snn_events": "events in", "snn_scatter": "sums", "snn_serialise": "words to events",
    "snn_merge": "two branches of events", "snn_feedback": "one step back", "snn_join": "two branches word by word",
    "snn_offset": "constants added", "snn_buffer": "waits for the other branch",
    "snn_product": "products of two values", "snn_queue": "waits for the other side", "snn_readout": "readout",
}  # fmt: skip


def drawing(design: Design) -> str:
    """The diagram: events are thin arrows, words thick ones.

    An arrow past other modules runs on the right of them, one that goes back on the left.
    """
    place = {m.name: n for n, m in enumerate(design.modules)}
    source = {port.stream.name: m for m in design.modules for port in m.writes}
    arrows = [(source[port.stream.name], m, port.stream) for m in design.modules for port in m.reads]
    sides = {True: 0, False: 0}  # arrows that run on the left, on the right
    lines: list[str] = []
    for a, b, stream in arrows:
        start, end = place[a.name], place[b.name]
        if end == start + 1:
            lines.append(_arrow(f"M {LEFT + WIDTH / 2} {_top(start) + HEIGHT} V {_top(end)}", stream))
            lines.append(_label(LEFT + WIDTH / 2 + 8, _top(end) - 8, _carried(stream)))
            continue
        back = end <= start
        sides[back] += 1
        x = LEFT - STEP * (1 + (sides[back] - 1) % 5) if back else LEFT + WIDTH + STEP * (1 + (sides[back] - 1) % 8)
        edge = LEFT if back else LEFT + WIDTH
        lines.append(_arrow(f"M {edge} {_top(start) + HEIGHT - 12} H {x} V {_top(end) + 12} H {edge}", stream))
    boxes = [_box(m, n) for n, m in enumerate(design.modules)]
    height = _top(len(design.modules)) + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 140}" height="{height}" font-family="sans-serif">\n'
        '<defs><marker id="a" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" refX="8" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join([*lines, *boxes])
        + "\n</svg>\n"
    )


def _top(n: int) -> int:
    return 16 + n * (HEIGHT + GAP)


def _box(module: Module, n: int) -> str:
    colour = COLOURS.get(module.kind, OTHERS if module.kind in SAYS else NEURONS)
    lanes = next((s.lanes for s in (p.stream for p in (*module.writes, *module.reads)) if s.kind != EVENTS), 0)
    what = SAYS.get(module.kind, "neurons") + (f", {lanes} lane{'s' * (lanes > 1)}" if lanes else "")
    name = f"{module.node}: {what}" if module.node and module.kind != "snn_readout" else what
    below = f"{module.kind}" + (f", {module.bits:,} bits of memory" if module.bits else "")
    return (
        f'<rect x="{LEFT}" y="{_top(n)}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{colour}" stroke="#555"/>'
        f'<text x="{LEFT + 12}" y="{_top(n) + 19}" font-size="14">{escape(name[:52])}</text>'
        f'<text x="{LEFT + 12}" y="{_top(n) + 36}" font-size="11" fill="#555">{escape(below[:68])}</text>'
    )


def _arrow(path: str, stream: Stream) -> str:
    width = 1.2 if stream.kind == EVENTS else 2.6
    return f'<path d="{path}" fill="none" stroke="black" stroke-width="{width}" marker-end="url(#a)"/>'


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="10" fill="#333">{escape(text)}</text>'


def _carried(stream: Stream) -> str:
    grid = stream.grid
    size = " x ".join(str(n) for n in (grid.channels, grid.rows, grid.columns) if n > 1) or "1"
    return f"{stream.kind} of {stream.bits} bit{'s' * (stream.bits != 1)}, {size}" + (", once a sample" if stream.still else "")
