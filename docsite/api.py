"""The pages of the public names: one for each module, written from what the module exports."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = {
    "snn2hw": ("snn2hw/public.py", "All of these are imported by `import snn2hw`, when they are first used."),
    "snn2hw.nn": ("snn2hw/nn/__init__.py", "Needs the extra `torch`. Values are `[T, N, ...]`: steps, samples, then axes."),
    "snn2hw.nn.blocks": ("snn2hw/nn/blocks/__init__.py", "Parts of deep networks; needs the extra `torch`."),
    "snn2hw.train": ("snn2hw/train/__init__.py", "Needs the extra `torch`."),
    "snn2hw.quantize": ("snn2hw/quantize/__init__.py", "Needs the extra `torch`."),
    "snn2hw.data": ("snn2hw/data/__init__.py", "Needs the extra `torch`, for images `data`."),
    "snn2hw.plot": ("snn2hw/plot/__init__.py", "Needs the extra `report`."),
    "snn2hw.target": ("snn2hw/target/__init__.py", "Targets as data."),
    "snn2hw.backends": ("snn2hw/backends/__init__.py", "For those who write a back end of their own."),
    "snn2hw.lava": ("snn2hw/lava.py", "For Lava networks of your own; needs Lava, on Python 3.10."),
    "snn2hw.errors": ("snn2hw/errors.py", "Every error and warning that snn2hw raises is one of these."),
}  # fmt: skip


def exported(module: str) -> dict[str, str]:
    """Of every public name of a module the path of the object; names of other packages are left out."""
    path = ROOT / MODULES[module][0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("snn2hw"):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = f"{own}.{node.name}"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {t.id: f"{own}.{t.id}" for t in targets if isinstance(t, ast.Name)}
    listed = _all(tree) or [name for name in found if name.endswith(("Error", "Warning"))]
    return {name: found[name] for name in listed if name in found}


def _all(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def page(module: str) -> str:
    """Markdown of a module: its names in the order of the alphabet, each with signature and docstring."""
    names = exported(module)
    elsewhere = [] if module == "snn2hw.errors" else [n for n, path in names.items() if path.startswith("snn2hw.errors.")]
    lines = [f"# {module}", "", MODULES[module][1], ""]
    lines += [f"`{module}.{name}` stands on the page of [snn2hw.errors](errors.md).\n" for name in elsewhere]
    for name in sorted(names.keys() - set(elsewhere), key=lambda n: (n.casefold(), n)):
        lines += [f"::: {names[name]}", "    options:", f"      heading: {module}.{name}", f"      toc_label: {name}", ""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Text by path below docs/."""
    return {f"reference/api/{m.removeprefix('snn2hw.').split('.')[-1]}.md": page(m) for m in MODULES}
