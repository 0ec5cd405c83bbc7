"""What people see of an evaluation: a few figures, and a row for each neuron layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snn2hw.cli import console
from snn2hw.verification.accuracy import Evaluation, LayerEvaluation


def print_evaluation(e: Evaluation, title: str) -> None:
    """All of it, called what it is: measured."""
    against = "; float model against integers, no equality is claimed" if e.readout_error is not None else ""
    title = f"{title}: measured on {e.samples} samples x {e.steps} steps (executor {e.executor}{against})"
    console.table(title, ["measurement", "value"], list(_figures(e)), (1,))
    _table(e.layers)
    if e.first_unexplained is not None:
        console.say(f"layer {e.first_unexplained} is the first that fires otherwise where its own rounding does not explain it")


MOST_ROWS = 12  # of the short form


def print_agreement(manifest: Mapping[str, Any]) -> None:
    """The short form that `compile` has put into a manifest; nothing where there is none."""
    said = manifest.get("agreement")
    if said is None:
        return
    layers = {name: LayerEvaluation(**{k: v for k, v in each.items() if k != "dead"}) for name, each in said["layers"].items()}
    shown = sorted(layers, key=lambda name: -(layers[name].own_mismatch or 0.0))[:MOST_ROWS]
    title = f"integers against the float model, on {said['samples']} samples of calibration"
    _table({name: layer for name, layer in layers.items() if name in shown}, title)
    if len(shown) < len(layers):
        console.say(f"the {len(shown)} of {len(layers)} layers in which most differences begin")
    figures = []
    if "same_prediction" in said:
        figures.append(f"same prediction {percent(said['same_prediction'])}")
    if said.get("readout_size"):
        figures.append(f"readouts differ by {percent(said['readout_error'] / said['readout_size'])} of their size")
    console.say("; ".join(figures))


def _table(layers: Mapping[str, LayerEvaluation], title: str = "") -> None:
    """A row for each neuron layer; without a float model only what the integers do by themselves."""
    rows = [[name, *_row(layer)] for name, layer in layers.items()]
    columns = [
        "layer", "firing rate", "float rate", "spikes differ", "begin here", "unexplained", "input off by", "saturates", "silent",
    ]  # fmt: skip
    if all(layer.float_rate is None for layer in layers.values()):
        shown = (0, 1, 7, 8)
        columns, rows = [columns[k] for k in shown], [[row[k] for k in shown] for row in rows]
    if not any(str(row[-1]) for row in rows):  # no layer fell silent, as is hoped
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    console.table(title, columns, rows, [n for n, name in enumerate(columns) if name not in ("layer", "silent")])


def _figures(e: Evaluation) -> Iterator[list[str]]:
    if e.accuracy is not None:
        yield ["integer accuracy", percent(e.accuracy)]
    if e.float_accuracy is not None:
        yield ["float accuracy", percent(e.float_accuracy)]
    if e.mean_squared_error is not None:
        yield ["integer mean squared error", f"{e.mean_squared_error:.6g}"]
    if e.float_mean_squared_error is not None:
        yield ["float mean squared error", f"{e.float_mean_squared_error:.6g}"]
    if e.same_prediction is not None:
        yield ["same prediction", percent(e.same_prediction)]
    if e.readout_error is not None:
        of = f" ({percent(e.readout_error / e.readout_size)} of their size)" if e.readout_size else ""
        yield ["readouts differ by (root mean square)", f"{e.readout_error:.4g}{of}"]
    yield ["one unit of the readout", f"{e.scale:.6g}"]


def _row(layer: LayerEvaluation) -> list[object]:
    state = console.styled("died", "bold red") if layer.died else "dead" if layer.dead else ""
    return [
        percent(layer.rate),
        percent(layer.float_rate),
        percent(layer.spike_mismatch),
        percent(layer.own_mismatch),
        "" if layer.unexplained is None else f"{layer.unexplained:,}",
        percent(layer.sum_error),
        percent(layer.saturation),
        state,
    ]


def percent(share: float | None) -> str:
    """A share in percent; nothing where it is not known."""
    return "" if share is None else f"{100 * share:.2f} %"
