"""What --json prints, verb by verb: the table that docs/reference/json.md is made of, and that tests hold against real output.

A path names a value: `a.b` a key of an object, `a[]` each entry of a list, `{layer}` any key. A type is one of TYPES, several
with `|` between; behind `?` the key may be missing. `open` is any value, described elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TYPES = {"object": dict, "list": list, "text": str, "flag": bool, "number": (int, float), "null": type(None), "open": object}
Form = Mapping[str, tuple[str, str]]

QUANTITY: Form = {
    "value": ("number", "the best estimate"),
    "low": ("number", "the lowest that the sources leave"),
    "high": ("number", "the highest"),
    "unit": ("text", "J or s"),
    "confidence": ("text", "letter of the weakest source (`snn2hw targets`)"),
    "source": ("text", "where the prices are from"),
}
MEASURED: Form = {
    "values": ("number", "spike values that were compared"),
    "rate": ("number", "how often it fires, in integers"),
    "saturation": ("number", "how often a bound of the state range holds a membrane back"),
    "float_rate": ("number|null", "how often the float layer fires"),
    "own_rate": ("number|null", "how often it fires, given what the integers before it fire"),
    "spike_mismatch": ("number|null", "share of spikes that differ from the float model"),
    "mismatches": ("number|null", "how many that are"),
    "own_mismatch": ("number|null", "share of differences that begin in this layer"),
    "own_mismatches": ("number|null", "how many that are"),
    "unexplained": ("number|null", "differences that its own rounding does not explain"),
    "sum_error": ("number|null", "how far rounding moves its input, as a share of its size"),
    "float_saturation": ("number|null", "`saturation` of the float layer"),
    "dead": ("flag|null", "whether the integers never fire where the float layer does"),
}
FACT: Form = {
    "value": ("open", "number, text, list, flag, or {low, high}"),
    "unit": ("text", "of the value, where it has one"),
    "confidence": ("text", "letter of its source"),
    "source": ("text", "where it is from"),
}
TARGET: Form = {
    "name": ("text", "what --target takes"),
    "says": ("text", "what it is"),
    "compiled_for": ("flag", "whether networks are compiled for it, not only estimated on it"),
    "facts": ("object", "all that the file states, by name"),
    "facts.{fact}": ("object", "one of them"),
    **{f"facts.{{fact}}.{k}": v for k, v in FACT.items()},
    "notes": ("list", "what the file says in words, and what nobody says"),
    "notes[]": ("text", ""),
}
DIFFERENCE: Form = {
    "executor": ("text", "who differs from the reference"),
    "signal": ("text", "`readout`, a layer, or `layer.state`"),
    "step": ("number", "from 0; -1 of the readout"),
    "sample": ("number", "from 0"),
    "index": ("list", "place within the layer's shape"),
    "index[]": ("number", ""),
    "got": ("number", "its integer"),
    "expected": ("number", "the reference's"),
    "cause": ("text", "what it can come from"),
}
POINT: Form = {
    "weight_bits": ("number", "width of weights"),
    "state_bits": ("number", "width of states"),
    "scales": ("text", "how scales are chosen"),
    "target": ("text", "compiled for it"),
    "samples": ("number", "on how many it was measured"),
    "whole": ("flag", "whether on all of them"),
    "accuracy": ("number|null", "share of right predictions"),
    "mean_squared_error": ("number|null", "of labels that are real numbers"),
    "weight_memory": ("number|null", "bits of weights"),
    "state_memory": ("number|null", "bits of states"),
    "operations": ("number|null", "synaptic operations of a sample"),
    "energy_joules": ("number|null", "of a sample, where prices are public"),
    "fits": ("flag|null", "on the target, where it states sizes"),
    "luts": ("number|null", "look-up tables, of an FPGA"),
    "epochs": ("number", "trained on its integers for so many, or 0"),
    "layer_bits": ("text", "widths of single layers, as `fc=4 head=3`, or empty"),
    "layer_state_bits": ("text", "widths of states of single layers, as `lif=10`, or empty"),
    "refused": ("text", "why it could not be compiled, or empty"),
    "memory": ("number|null", "both memories"),
    "pareto": ("flag", "whether no other point is better in both"),
}
EFFECT: Form = {
    "flips": ("number", "share of all spike values that differ from the float network's"),
    "accuracy": ("number", "share of right predictions"),
    "same_prediction": ("number", "share of samples on which it predicts what the float network does"),
    "error": ("number", "root mean square of the distance of readouts, relative to their size"),
}
BUDGET: Form = {
    "samples": ("number", "measured on"),
    "accuracy": ("number", "of the float network"),
    "whole": ("object", "all quantisers together, each at its widest"),
    **{f"whole.{k}": v for k, v in EFFECT.items()},
    "rows": ("list", "one for each quantiser, of weights and states one for each width"),
    "rows[]": ("object", ""),
    "rows[].quantiser": ("object", ""),
    "rows[].quantiser.layer": ("text", "the neuron layer, the readout, or the input"),
    "rows[].quantiser.part": ("text", "input, weights, input factor, coefficients, thresholds, bounds, or state"),
    "rows[].bits": ("number|null", "its width; null where its numbers have several"),
    "rows[].alone": ("object", "it is on, all others are float"),
    **{f"rows[].alone.{k}": v for k, v in EFFECT.items()},
    "rows[].without": (
        "object|null",
        "it is float, all others are on; null for narrower widths, and where it cannot be",
    ),
    **{f"rows[].without.{k}": v for k, v in EFFECT.items()},
    "proposal": ("object", "widths that follow"),
    "proposal.layer_bits": ("object", "of weights, by synaptic layer"),
    "proposal.layer_bits.{layer}": ("number", ""),
    "proposal.layer_state_bits": ("object", "of states, by neuron layer, where there are several"),
    "proposal.layer_state_bits.{layer}": ("number", ""),
    "proposal.bits": ("number", "of all that has several widths"),
    "proposal.widest": ("number", "of the same, all at the largest width"),
    "proposal.accuracy": ("number", "with these widths, without training"),
    "proposal.uniform": ("number", "with all at the largest width"),
    "proposal.asked": ("number", "`--memory`: the share of the bits that it may keep"),
    "proposal.share": ("number", "the share that it keeps"),
    "proposal.within": ("flag", "whether that is no more than was asked for"),
}
LAYER: Form = {
    "kind": ("text", "of the layer"),
    "source": ("text", "where it stands in the model"),
    "shape": ("list", "of its value"),
    "shape[]": ("number", ""),
    "weights": ("number", "how many"),
    "zeros": ("number", "weights that are 0"),
    "macs": ("number", "MACs of a step, were no value 0"),
    "operations": ("number", "synaptic operations of a sample, counted"),
    "by_step": ("list", "spikes by step"),
    "by_step[]": ("number", ""),
    "graded": ("number", "operations with a value other than 1"),
    "by_spike": ("number", "additions, were every spike of 3 three spikes of 1"),
    "rate": ("number|null", "how often it fires"),
    "spikes": ("number", "of a sample"),
    "instructions": ("number", "of the neuron program"),
    "state_bits": ("number", "of one neuron"),
    "energy": ("object|null", "of a sample"),
    **{f"energy.{k}": v for k, v in QUANTITY.items()},
}
ESTIMATE: Form = {
    "target": ("text", "of the estimate"),
    "says": ("text", "what it is"),
    "samples": ("number", "counted on"),
    "steps": ("number", "of a sample"),
    "on": ("text", "which samples these are"),
    "fits": ("flag|null", "null: the target states no size"),
    "reasons": ("list", "why not, all of them"),
    "reasons[]": ("text", ""),
    "not_public": ("list", "limits that nobody publishes, so that nothing was compared with them"),
    "not_public[]": ("text", ""),
    "notes": ("list", "what else is known"),
    "notes[]": ("text", ""),
    "cores": ("number|null", "of a chip with cores"),
    "chips": ("number|null", "that these cores need"),
    "memory": ("object", "what is taken of what, by kind"),
    "memory.{kind}": ("object", "one kind"),
    "memory.{kind}.used": ("number", "is taken"),
    "memory.{kind}.limit": ("number|null", "is there, where that is public"),
    "memory.{kind}.unit": ("text", "of both"),
    "layers": ("object", "layer by layer"),
    "layers.{layer}": ("object", "one of them"),
    **{f"layers.{{layer}}.{k}": v for k, v in LAYER.items()},
    "operations": ("object", "of a sample, by NeuroBench's keys and some of our own"),
    "operations.{key}": ("open", "a number, or an object of numbers"),
    "energy_joules": ("object|null", "of a sample; null where no price is public"),
    **{f"energy_joules.{k}": v for k, v in QUANTITY.items()},
    "energy_parts": ("object|null", "the same, by what takes it"),
    "energy_parts.{part}": ("open", "an energy"),
    "relative_only": ("text", "why sums compare networks only, or empty"),
    "latency_seconds": ("object|null", "of a sample"),
    **{f"latency_seconds.{k}": v for k, v in QUANTITY.items()},
    "break_even": ("open", "against a network of the same layers without spikes"),
}
EVALUATION: Form = {
    "samples": ("number", "measured on"),
    "steps": ("number", "of each"),
    "executor": ("text", "what ran the integers"),
    "scale": ("number|null", "real value of one unit of the readout"),
    "accuracy": ("number|null", "of the integers"),
    "float_accuracy": ("number|null", "of the float model"),
    "same_prediction": ("number|null", "share of samples on which both agree"),
    "readout_error": ("number|null", "root mean square of the distance of readouts"),
    "readout_size": ("number|null", "root mean square of the float readouts"),
    "findings": ("list", "what was lost, as `warnings` of manifest.json"),
    "findings[]": ("open", ""),
    "layers": ("object", "every neuron layer"),
    "layers.{layer}": ("object", "one of them"),
    **{f"layers.{{layer}}.{k}": v for k, v in MEASURED.items()},
    "first_unexplained": ("text|null", "the first layer whose rounding does not explain its differences"),
}
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
            "cost": ("text", "what accuracy is laid against"),
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
    form = FORMS[verb][1]
    yield from _problems(form, "", value, more=verb in ADDED)


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
