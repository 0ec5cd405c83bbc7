"""`snn2hw explore`: what fewer bits would save, and what they would lose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from snn2hw import api
from snn2hw.backends import AUTO
from snn2hw.cli import console
from snn2hw.cli.budget_table import budget_picture, print_budget, spelt, unusual
from snn2hw.cli.commas import joined, numbers, only, words
from snn2hw.cli.completion import among, models, several, several_targets
from snn2hw.cli.completion import executor as complete_executor
from snn2hw.cli.exploration_table import front_picture, print_front
from snn2hw.cli.explore_data import Files, read_data
from snn2hw.cli.explore_files import check_apart, check_outputs, write_outputs
from snn2hw.cli.loudness import loudness
from snn2hw.cli.options import AsJson, Cluster, Layout, Workers
from snn2hw.cli.usage import refuse_options
from snn2hw.exploration.budget import MEMORY, budget, check_share
from snn2hw.exploration.explore import explore
from snn2hw.exploration.point import COST, UNITS, check_cost, settings_of
from snn2hw.exploration.usual import BUDGET_STATE_BITS, BUDGET_WEIGHT_BITS, STATE_BITS, WEIGHT_BITS
from snn2hw.passes.base import SCALES, Options
from snn2hw.target import load_chip


def explore_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A float model: a folder of models/ (digits_lnm), or module:factory.",
            autocompletion=models,
        ),
    ],
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            "--input",
            "-i",
            help="Samples: .npy, .npz, a folder of them, or Zarr. Default: test_data().",
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", "-l", help="Their labels as .npy.")] = None,
    sample: Annotated[
        Path | None,
        typer.Option(help="Samples to calibrate on, in the same forms. Default: the model's own, else --samples."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="T, where samples have no steps. Default: what the model states.")] = None,
    weights: Annotated[str | None, typer.Option(help="A file of weights. Default: the model's own.")] = None,
    weight_bits: Annotated[
        str | None,
        typer.Option(
            help="Widths of weights, with commas between them, 2 to 8.",
            show_default=f"{joined(WEIGHT_BITS)}; with --budget {joined(BUDGET_WEIGHT_BITS)}",
        ),
    ] = None,
    state_bits: Annotated[
        str | None,
        typer.Option(
            help="Widths of neuron states, with commas, 8 to 24.",
            show_default=f"{joined(STATE_BITS)}; with --budget {BUDGET_STATE_BITS}",
        ),
    ] = None,
    scales: Annotated[
        str, typer.Option(help="Weight scales, with commas: auto, layer, channel.", autocompletion=several(among(SCALES)))
    ] = "auto",
    target: Annotated[
        str,
        typer.Option(
            "--target",
            "-t",
            help="Targets (`snn2hw targets`), with commas, or a TOML file.",
            autocompletion=several_targets,
        ),
    ] = api.DEFAULT_TARGET,
    per_layer: Annotated[
        bool,
        typer.Option(
            "--per-layer", help="Try widths of weights and states layer by layer as well, those that an error budget proposes."
        ),
    ] = False,
    epochs: Annotated[
        str | None,
        typer.Option(help="Epochs of training that each combination gets on its integers, with commas: 0,2.", show_default="0"),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(help="With --epochs: an .npz file with samples and labels to train on. Default: train_data() of the model."),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(help=f"What accuracy is compared with: {', '.join(UNITS)}.", show_default=COST, autocompletion=among(UNITS)),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep every result in this file (*.jsonl); a run that was ended goes on from there.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the points and their front to this file (PNG).")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the points to this file as a table.")] = None,
    output: Annotated[str | None, typer.Option(help="The output that the labels are of, of a network with several.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Run all samples of every point, also of those that fall behind.")] = False,
    budget_: Annotated[
        bool,
        typer.Option(
            "--budget",
            help="Show what each quantiser loses by itself, and what all others lose together; propose widths of layers.",
        ),
    ] = False,
    memory: Annotated[
        float | None,
        typer.Option(
            help="With --budget: the share that the proposal may keep of the bits of weights, and of states where --state-bits "
            "has several widths.",
            show_default=f"{MEMORY:g}",
        ),
    ] = None,
    executor: Annotated[
        str,
        typer.Option("--executor", "-e", help="What runs the integers (`snn2hw backends`).", autocompletion=complete_executor),
    ] = AUTO,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file of --csv, and one of --plot that snn2hw did not write.")
    ] = False,
    layout: Layout = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Compile a model with every combination of widths, and show the accuracy of each beside what it costs.

    All combinations run a sixteenth of the samples, the better half of them a quarter, and the better half of those all
    samples: most of the time goes to the good ones.

    **Examples**

    `snn2hw explore digits_lnm`

    `snn2hw explore nets:build --samples x.npy --labels y.npy --steps 4 --weight-bits 2,3,4,8 --out results.jsonl`

    `snn2hw explore digits_lnm --per-layer --epochs 0,1 --cost weights`

    `snn2hw explore digits_lnm --budget --weight-bits 2,3,4,6,8 --state-bits 16 --plot bars.png`

    `snn2hw explore digits_cf --target loihi2 --cost operations --plot front.png --csv front.csv --workers 2`
    """
    mine = {
        "--out": out, "--all": every or None, "--per-layer": per_layer or None, "--epochs": epochs, "--train": train,
        "--cost": cost,
    }  # fmt: skip
    kept = {"--memory": memory} if not budget_ else mine
    refuse_options(kept, "an error budget" if budget_ else "an exploration without --budget", "leave them out")
    of_weights = _given(weight_bits, BUDGET_WEIGHT_BITS if budget_ else WEIGHT_BITS, "--weight-bits")
    of_states = _given(state_bits, (BUDGET_STATE_BITS,) if budget_ else STATE_BITS, "--state-bits")
    share = MEMORY if memory is None else memory
    trained = numbers("0" if epochs is None else epochs, "--epochs", "epochs", "0,2")
    if not any(trained):
        do = "give --epochs 0,2, too" if epochs is None else "give another number of --epochs, as 0,2, or leave --train out"
        refuse_options({"--train": train}, "an exploration without training", do)
    _check(of_weights, of_states, words(scales), words(target), COST if cost is None or budget_ else cost)
    if budget_:
        for option, values in (("--scales", words(scales)), ("--target", words(target))):
            only(values, option)
        check_share(share)
    files = Files(samples, labels, sample, train, weights, steps, layout)
    files.check()
    check_apart({"--csv": csv, "--plot": plot, "--out": out}, {"--samples": samples, "--labels": labels, "--sample": sample,
                "--train": train, "--weights": None if weights is None else Path(weights)})  # fmt: skip
    check_outputs(csv, plot, out, force=force)
    if not budget_:
        loudness.again = (
            "run again with --out FILE.jsonl: it keeps every result, and the next run goes on from there"
            if out is None
            else f"run the same command again: what is in {out} is not measured again"
        )
    data = read_data(model, files, training=any(trained))
    given: dict[str, Any] = {
        "weight_bits": of_weights, "state_bits": of_states, "steps": data.steps, "sample": data.sample, "layout": data.layout,
        "output": output, "executor": executor, "workers": workers, "cluster": cluster,
    }  # fmt: skip
    if budget_:
        one = {"scales": only(words(scales), "--scales"), "target": only(words(target), "--target")}
        with console.progress("explore") as progress:
            budgeted = budget(data.module, data.samples, data.labels, memory=share, progress=progress, **one, **given)
        write_outputs(budgeted.to_csv(), csv, None if plot is None else budget_picture(budgeted), plot)
        if as_json:
            console.print_json(budgeted.to_document())
        else:
            options = Options(max(of_states), max(of_weights), one["scales"])
            print_budget(budgeted, model, [*spelt(data.compiling), *spelt(unusual(options, one["target"]))])
        return
    own = "auto" if per_layer else ()
    with console.progress("explore") as progress:
        front = explore(
            data.module, data.samples, data.labels, scales=words(scales), target=words(target), cost=cost or COST,
            layer_bits=own, layer_state_bits=own, epochs=trained, train=data.train, halving=not every, out=out,
            progress=progress, **given,
        )  # fmt: skip
    write_outputs(front.to_csv(), csv, None if plot is None else front_picture(front), plot)
    if as_json:
        console.print_json(front.to_document())
    else:
        print_front(front, model)


def _check(weights: list[int], states: list[int], scales: list[str], targets: list[str], cost: str) -> None:
    """Before anything is read or run."""
    asked = settings_of(weights, states, scales, targets)
    for name in targets:
        load_chip(name)
    for each in asked:
        _ = each.options
    check_cost(cost, targets)


def _given(given: str | None, usual: Sequence[int], option: str) -> list[int]:
    return list(usual) if given is None else numbers(given, option)
