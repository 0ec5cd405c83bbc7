"""What --json prints, verb by verb: the table that docs/reference/json.md is made of, and that tests hold against real output.

A path names a value: `a.b` a key of an object, `a[]` each entry of a list, `{layer}` any key. A type is one of TYPES, several
with `|` between; behind `?` the key may be missing. `open` is any value, described elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docsite.form_parts import BUDGET, DIFFERENCE, ESTIMATE, EVALUATION, POINT, TARGET, Form

TYPES = {"object": dict, "list": list, "text": str, "flag": bool, "number": (int, float), "null": type(None), "open": object}

FORMS: Mapping[str, tuple[str, Form]] = {
    "compile": (
        "",
        {
            "path": ("text", "the folder that was written"),
            "manifest": ("open", "its manifest.json: options, agreement with the float model, warnings, layers, hashes"),
        },
    ),
    "evaluate": ("", EVALUATION),
    "estimate": ("With `--target all` an object of these, by target.", ESTIMATE),
    "explore": (
        "",
        {
            "samples": ("number", "measured on"),
            "cost": ("text", "what accuracy is compared with"),
            "points": ("list", "one for each combination"),
            "points[]": ("object", ""),
            **{f"points[].{k}": v for k, v in POINT.items()},
        },
    ),
    "explore --budget": ("", BUDGET),
    "report": ("", {"path": ("text", "the file that was written")}),
    "inspect": (
        "Beside these all keys of manifest.json. The form of nodes, instructions and equations is that of the file on disk: "
        "`snn2hw/ir/document.py`.",
        {
            "network": ("object", "the network as data"),
            "network.steps": ("number", "T"),
            "network.target": ("text", "compiled for"),
            "network.nodes": ("list", "every node; of a neuron `program.instructions`: name, op, args, format, overflow"),
            "network.nodes[]": ("open", 'an array in it is {"array": NAME}'),
            "network.constants": ("object", "the integers of every small array, by name"),
            "network.constants.{array}": ("list", "its values"),
            "network.constants.{array}[]": ("open", ""),
            "network.arrays": ("object", "large arrays; `inspect --weights` writes them"),
            "network.arrays.{array}": ("object", ""),
            "network.arrays.{array}.shape": ("list", ""),
            "network.arrays.{array}.shape[]": ("number", ""),
            "network.arrays.{array}.dtype": ("text", ""),
            "text": ("text", "what `inspect` prints, as it can be parsed"),
        },
    ),
    "inspect --weights": (
        "",
        {
            "path": ("text", "the file or folder"),
            "tables": ("list", "in the order of index.csv"),
            "tables[]": ("object", ""),
            "tables[].layer": ("text", "whose"),
            "tables[].table": ("text", "weight, bias, or a constant of the neuron program"),
            "tables[].shape": ("list", ""),
            "tables[].shape[]": ("number", ""),
            "tables[].bits": ("number", "that hold each integer"),
            "tables[].signed": ("flag", "two's complement"),
            "tables[].unit": ("list", "real value of 1: one, or one for each of the first axis"),
            "tables[].unit[]": ("number", ""),
        },
    ),
    "inspect --dynamics": ("By layer.", {"{layer}": ("open", "what each neuron does without input")}),
    "simulate": (
        "",
        {
            "executor": ("text", "what ran it"),
            "samples": ("number", "how many"),
            "seconds": ("number", "that it took, compiling and reading included"),
            "outputs": ("object", "`readout`, or every output by name"),
            "outputs.{output}": ("object", ""),
            "outputs.{output}.predictions": ("list", "the largest of each sample"),
            "outputs.{output}.predictions[]": ("number", ""),
            "outputs.{output}.readout": ("list", "[N, classes], integers"),
            "outputs.{output}.readout[]": ("list", ""),
            "outputs.{output}.readout[][]": ("number", ""),
            "trace": ("text|null", "the file of --out"),
        },
    ),
    "verify": (
        "",
        {
            "equal": ("flag", "whether nothing differs"),
            "differences": ("list", "the first of each back end"),
            "differences[]": ("object", ""),
            **{f"differences[].{k}": v for k, v in DIFFERENCE.items()},
            "not_run": ("object", "back ends that did not run, and why"),
            "not_run.{executor}": ("text", ""),
            "compared": ("object", "integers that were compared"),
            "compared.{executor}": ("number", ""),
            "different": ("object", "integers that differ"),
            "different.{executor}": ("number", ""),
            "seconds": ("object", "that each took"),
            "seconds.{executor}": ("number", ""),
            "samples": ("number", "that were run"),
            "steps": ("number", "of each"),
            "notes": ("object", "what a back end says of its run"),
            "notes.{executor}": ("text", ""),
            "diagnosis": ("open?", "with `--model`: what `diff --model` prints"),
        },
    ),
    "check": (
        "",
        {
            "holds": ("flag", "whether every claim does"),
            "claims": ("number", "derived again"),
            "failures": ("list", "that do not hold"),
            "failures[]": ("open", "path, claimed, true, and where"),
        },
    ),
    "export": (
        "",
        {
            "path": ("text", "the file or folder"),
            "back_end": ("text", "what wrote it"),
            "approximations": ("object", "by layer, what others read only in part"),
            "approximations.{layer}": ("text", ""),
            "notes": ("list", "what was chosen for you"),
            "notes[]": ("text", ""),
            "next": ("list", "words of a command that goes on from there"),
            "next[]": ("text", ""),
            "report": ("object|null", "what was measured of it (`--synthesise`)"),
            "report.title": ("text", ""),
            "report.columns": ("list", ""),
            "report.columns[]": ("text", ""),
            "report.rows": ("list", ""),
            "report.rows[]": ("list", ""),
            "report.rows[][]": ("text", ""),
            "report.lines": ("list", ""),
            "report.lines[]": ("text", ""),
            "replay": ("object|null", "the test of the C folder (`--replay`)"),
            "replay.equal": ("flag", ""),
            "replay.report": ("text", "what it printed"),
        },
    ),
    "diff": (
        "",
        {
            "equal": ("flag", "whether nothing differs"),
            "difference": ("object|null", "the first"),
            **{f"difference.{k}": v for k, v in DIFFERENCE.items()},
        },
    ),
    "diff --model": (
        "",
        {"{key}": ("open", "why the integers fire otherwise than the float model: first difference, cause, layers")},
    ),
    "targets": ("A list of these.", {"[]": ("object", "a target"), **{f"[].{k}": v for k, v in TARGET.items()}}),
    "targets NAME": ("", TARGET),
    "doctor": (
        "",
        {
            "machine": ("object", "versions, processor, cache"),
            "machine.{fact}": ("open", ""),
            "parts": ("list", "packages, tools, back ends"),
            "parts[]": ("object", ""),
            "parts[].kind": ("text", "package, tool or back end"),
            "parts[].name": ("text", ""),
            "parts[].there": ("text", "version or place; empty where it is missing"),
            "parts[].used": ("text", "what needs it"),
            "parts[].remedy": ("text", "how to get it"),
        },
    ),
    "demo": (
        "By model.",
        {
            "{model}": ("object", ""),
            "{model}.path": ("text", "its folder"),
            "{model}.equal": ("flag", "whether all back ends agree"),
            "{model}.claims_hold": ("flag", "whether the certificate does"),
            "{model}.compared": ("object", "integers, by back end"),
            "{model}.compared.{executor}": ("number", ""),
            "{model}.float_accuracy": ("number|null", ""),
            "{model}.accuracy": ("number|null", "of the integers"),
        },
    ),
    "backends": (
        "A list of these.",
        {
            "[]": ("object", ""),
            "[].name": ("text", "what --executors and --to take"),
            "[].description": ("text", ""),
            "[].runs": ("flag", "networks"),
            "[].writes": ("flag", "networks"),
            "[].on_request": ("flag", "runs only when it is named"),
            "[].available": ("flag", "here"),
            "[].reason": ("text", "why not"),
        },
    ),
}
ADDED = {"inspect"}  # may have more keys at the top


def problems(verb: str, value: Any) -> Iterator[str]:
    """What of a document is not as the form of its verb says."""
    yield from differences(FORMS[verb][1], value, more=verb in ADDED)


def differences(form: Form, value: Any, *, more: bool = False) -> Iterator[str]:
    """What of a value is not as a form says.

    Args:
        form: types by path. value: as read from JSON. more: whether it may have more keys at the top.
    """
    yield from _problems(form, "", value, more=more)


def _problems(form: Form, path: str, value: Any, *, more: bool = False) -> Iterator[str]:
    stated = form[path][0] if path else "list" if "[]" in form else "object"
    kinds = stated.removesuffix("?").split("|")
    if "open" in kinds:
        return
    if not any(isinstance(value, TYPES[k]) and isinstance(value, bool) == (k == "flag") for k in kinds):  # type: ignore[arg-type]
        yield f"{path or 'document'}: {type(value).__name__}, stated is {stated}"
    elif isinstance(value, dict):
        yield from _of_object(form, path, value, more)
    elif isinstance(value, list):
        for each in value:
            yield from _problems(form, f"{path}[]", each)


def _of_object(form: Form, path: str, value: Mapping[str, Any], more: bool) -> Iterator[str]:
    start = f"{path}." if path else ""
    known = [p.removeprefix(start) for p in form if p.startswith(start)]
    known = [p for p in known if p and "." not in p and "[" not in p]
    name = next((p for p in known if p.startswith("{")), None)
    for key, each in value.items():
        if key in known or name is not None:
            yield from _problems(form, start + (key if key in known else str(name)), each)
        elif not more:
            yield f"{start}{key}: not in the form"
    if name is None:
        yield from (f"{start}{key}: missing" for key in known if key not in value and not form[start + key][0].endswith("?"))


def page() -> str:
    """docs/reference/json.md."""
    lines = [
        "# What --json prints", "",
        "Every command takes `--json`. It then prints one JSON value on stdout and nothing else; errors and warnings go to "
        "stderr, and exit codes stay as they are. A path names a value: `a.b` is a key, `a[]` each entry of a list, "
        "`{layer}` any key.", "",
    ]  # fmt: skip
    for verb, (intro, form) in FORMS.items():
        lines += [f"## snn2hw {verb}", "", *([intro, ""] if intro else []), "| path | type | what |", "|---|---|---|"]
        lines += [
            f"| `{path}` | {kind.replace('|', ' or ').replace('?', ', or missing')} | {says} |"
            for path, (kind, says) in form.items()
        ]
        lines.append("")
    return "\n".join(lines)
