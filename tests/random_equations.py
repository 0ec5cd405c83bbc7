"""Random neurons of a user's own: the source of a class, so that whatever fails can be pasted."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

HEAD = "import torch\nfrom snn2hw import nn\n\n\n"


def neuron_source(seed: int) -> str:
    """A `nn.CustomNeuron` with one to three states, polynomials of degree up to 3, choices, bounds, one to three firings."""
    return HEAD + _Source(random.Random(seed)).text()


def make_neuron(source: str, channels: int) -> Any:
    """The neuron of a source; it is a file for as long as Python wants to quote its lines."""
    path = Path(tempfile.mkdtemp()) / "neuron.py"
    path.write_text(source, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(source, str(path), "exec"), names)
    return names["Drawn"](channels)


class _Source:
    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.parameters: list[str] = []
        self.lines: list[str] = []

    def text(self) -> str:
        draw = self.draw
        names = ["v", "w", "z"][: draw.choice([1, 2, 2, 3])]
        ranges = {n: draw.choice([(-1.0, 1.0), (-2.0, 2.0), (-4.0, 4.0), (-2.0, 1.0)]) for n in names}
        initial = {n: draw.choice([0.0, 0.0, 0.25, -0.5]) for n in names}
        self._membrane(names)
        flags, after = self._firings(names)
        for n in names[1:]:
            self.lines.append(f"{n} = {self._other(n, flags)}")
        output = self._output(flags)
        states = ", ".join(f'"{n}": nn.State(range={ranges[n]}, initial={initial[n]})' for n in names)
        updates = ", ".join(f'"{n}": {after if n == "v" else n}' for n in names)
        lines = [
            "class Drawn(nn.CustomNeuron):",
            f"    states = {{{states}}}",
            "",
            "    def __init__(self, channels):",
            "        super().__init__()",
            *(f"        {p}" for p in self.parameters),
            "",
            f"    def step(self, x, {', '.join(names)}):",
            *(f"        {line}" for line in self.lines),
            f"        return {output}, {{{updates}}}",
        ]
        return "\n".join(lines) + "\n"

    def number(self, lo: float, hi: float) -> str:
        """A number, a parameter of the layer, or one per channel."""
        value = round(self.draw.uniform(lo, hi), 3)
        kind = self.draw.random()
        if kind < 0.5:
            return repr(value)
        name = f"p{len(self.parameters)}"
        if kind < 0.75:
            self.parameters.append(f"self.{name} = torch.nn.Parameter(torch.tensor({value}))")
            return f"self.{name}"
        spread = round(self.draw.uniform(0.01, 0.1), 3)
        start = f"{value} + {spread} * torch.linspace(-1.0, 1.0, channels)"
        self.parameters.append(f"self.{name} = torch.nn.Parameter({start})")
        return f"nn.per_channel(self.{name})"

    def _membrane(self, names: list[str]) -> None:
        draw = self.draw
        decay = self.number(0.3, 0.95)
        forms = [
            f"{decay} * v",
            f"v + {self.number(0.1, 0.4)} * (v + 0.4) * (v - 0.3) - 0.2 * v",
            f"{decay} * v - {self.number(0.02, 0.2)} * v**3",
            f"{self.number(-0.1, 0.1)} + {decay} * v + {self.number(-0.1, 0.1)} * v * v",
            "v",
        ]
        value = draw.choice(forms)
        if "w" in names:
            value += draw.choice([f" - {self.number(0.1, 0.5)} * w", " - w", f" + {self.number(0.1, 0.5)} * w", " + 0.2 * v * w"])
        if "z" in names:
            value += draw.choice(["", f" + {self.number(-0.3, 0.3)} * z", " - torch.relu(z)"])
        value += draw.choice([" + x", f" + {self.number(0.3, 1.5)} * x", " + torch.clamp(x, -1.0, 1.0)"])
        self.lines.append(f"v = {value}")
        if draw.random() < 0.3:
            self.lines.append(f"v = torch.clamp(v, {draw.choice([-1.0, -0.5])}, {draw.choice([1.0, 0.75])})")

    def _firings(self, names: list[str]) -> tuple[list[str], str]:
        draw, flags, r = self.draw, list[str](), "v"
        for k in range(draw.choice([1, 1, 2, 3])):
            theta = self.number(0.2, 0.8)
            adapts = len(names) > 1 and draw.random() < 0.3
            level = f"{theta} + {self.number(0.1, 0.4)} * torch.abs({names[1]})" if adapts else theta
            strict = ", strict=True" if draw.random() < 0.5 else ""
            self.lines.append(f"s{k} = nn.fire({r}, {level}{strict})")
            flags.append(f"s{k}")
            held = f"torch.where(s{k} > 0, {self.number(-0.4, 0.1)}, {r})"
            self.lines.append(f"r{k} = {draw.choice([f'{r} - {theta} * s{k}', held, f'{r} * (1 - s{k})', r])}")
            r = f"r{k}"
        return flags, r

    def _other(self, name: str, flags: list[str]) -> str:
        draw = self.draw
        start = f"{self.number(0.5, 0.99)} * {name}"
        forms = [
            f"{start} + {self.number(-0.2, 0.2)} * v",
            f"{start} + {self.number(0.05, 0.3)} * {draw.choice(flags)}",
            f"torch.minimum({start} + 0.1 * v, {name} + {self.number(0.1, 0.3)})",
            f"torch.where(v > {self.number(-0.2, 0.2)}, {start}, {name} - 0.1 * {name})",
            f"torch.where((v > 0) & ({name} < 0.5), {start} + 0.25 * {flags[0]}, {start})",
            f"{name} + {self.number(0.01, 0.1)} * (0.2 * (v + 0.65) - {name})",
        ]
        return draw.choice(forms)

    def _output(self, flags: list[str]) -> str:
        if len(flags) == 1:
            return self.draw.choice([flags[0], flags[0], f"2.0 * {flags[0]}"])
        return self.draw.choice([" + ".join(flags), f"{flags[0]} - {flags[1]}", f"{flags[0]} + 0.5 * {flags[1]}", flags[-1]])
