"""The main job on two networks, end to end: train, quantise, export, run everywhere, compare every bit."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from snn2hw import api
from snn2hw import plot as plots
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.cli import certificate_table, console, evaluation_table, network_table, verdict_table
from snn2hw.cli.loudness import loudness
from snn2hw.errors import ExecutorUnavailableError, MissingExtraError
from snn2hw.evaluation import evaluate
from snn2hw.ir.network import Network
from snn2hw.passes.base import Options
from snn2hw.store import check_out
from snn2hw.user_models import find_model, load_source, models_folder
from snn2hw.verification.accuracy import Evaluation
from snn2hw.verification.verdict import Verdict

MODELS = ("digits_lnm", "digits_cf")
CALIBRATION = 256
LAVA = "lava"
LAVA_SAMPLES = 64


@dataclass(frozen=True)
class Result:
    """What the demo found out about one model."""

    certain: bool
    verdict: Verdict
    on_lava: Verdict | None
    evaluation: Evaluation

    @property
    def verdicts(self) -> list[Verdict]:
        """All that were reached."""
        return [self.verdict] if self.on_lava is None else [self.verdict, self.on_lava]


def run_demo(out: Path, pretrained: bool, target: str, *, as_json: bool = False) -> int:
    """Exit code 0 where every claim holds and every executor that ran gave equal integers on every test sample, else 1.

    Args:
        out: a folder for one artefact of each model. pretrained: take the stored weights rather than train.
        target: a name, or the file of one. as_json: print one document at the end.
    """
    for package, extra in (("torch", "demo"), ("safetensors", "demo"), ("sklearn", "demo")):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra, "the demo")
    for name in MODELS:
        check_out(out / name)
    if not pretrained:
        loudness.again = "run the same command again: it begins anew; with --pretrained no network is trained"
    begun = perf_counter()
    results = {name: _one(name, out / name, pretrained, target) for name in MODELS}
    _summary(results, out, perf_counter() - begun)
    if as_json:
        console.print_json({name: _document(r, out / name) for name, r in results.items()})
    return 0 if all(r.certain and v.equal for r in results.values() for v in r.verdicts) else 1


def _document(r: Result, folder: Path) -> dict[str, Any]:
    compared = {name: many for v in r.verdicts for name, many in v.compared.items()}
    return {"path": str(folder), "equal": all(v.equal for v in r.verdicts), "claims_hold": r.certain, "compared": compared,
            "float_accuracy": r.evaluation.float_accuracy, "accuracy": r.evaluation.accuracy}  # fmt: skip


def _one(name: str, folder: Path, pretrained: bool, target: str) -> Result:
    console.rule(name)
    source = load_source(models_folder() / name / "model.py")
    module = find_model(name).module.eval() if pretrained else _trained(name)
    calibration = source.train_data()[0][:CALIBRATION]
    images, labels = source.test_data()
    real = api.trace_model(module, calibration, source.STEPS)
    with loudness.at(f"{name}: compiling"):
        artefact = api.compile(real, calibration, source.STEPS, target, folder, options=Options())
    network_table.print_network(artefact.network, network_table.artefact_title(artefact))
    loaded = api.load(folder)
    checked = api.check(folder)
    certificate_table.print_checked(checked, f"{name}: verified bounds, for every state and every input")
    with console.progress(f"{name}: every executor on {len(images)} test samples") as progress:
        verdict = api.verify(loaded, images, tuple(EXECUTORS), progress=progress)
    verdict_table.print_verdict(
        verdict, f"{name}: every spike, every state, every readout of {verdict.samples} test samples x {verdict.steps} steps"
    )
    on_lava = _on_lava(name, loaded, images[:LAVA_SAMPLES])
    with console.progress(f"{name}: measuring") as progress:
        evaluation = evaluate(loaded, images, labels, real, progress=progress)
    evaluation_table.print_evaluation(evaluation, f"{name}: test samples")
    _plot(real, loaded, images, folder)
    return Result(not checked.failures, verdict, on_lava, evaluation)


def _on_lava(name: str, artefact: Artefact, images: Any) -> Verdict | None:
    """The verdict of Lava's own processes on some samples; None, with the reason said, where Lava cannot be had."""
    try:
        with console.progress(f"{name}: Lava on {len(images)} test samples") as progress:
            verdict = api.verify(artefact, images, (LAVA,), progress=progress)
    except ExecutorUnavailableError as error:
        console.say(console.styled("Lava was not run", "yellow"), f": {error.got}")
        return None
    verdict_table.print_verdict(
        verdict, f"{name}: Lava, every spike and state of {verdict.samples} samples streamed x {verdict.steps} steps"
    )
    return verdict


def _trained(name: str) -> Any:
    trainer = load_source(models_folder() / name / "train.py")
    begun = perf_counter()
    with loudness.at(f"{name}: training"):
        module = trainer.train()
    console.say(f"trained in {perf_counter() - begun:.0f} s")
    return module


def _plot(real: Network, artefact: Artefact, images: Any, folder: Path) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        console.say("no plots: pip install 'snn2hw[report]' to have them")
        return
    written = plots.write_plots(real, artefact, api.stimulus(artefact, images[:1]), images[:1], folder / "plots")
    console.say("plots: " + ", ".join(str(p) for p in written))


def _summary(results: dict[str, Result], out: Path, seconds: float) -> None:
    console.rule("result")
    rows = []
    for name, r in results.items():
        equal = all(v.equal for v in r.verdicts)
        bits = console.good("0 differing integers", True) if equal else console.good("DIFFERENT", False)
        compared = f"{sum(sum(v.compared.values()) for v in r.verdicts):,}"
        ran = ", ".join(name for v in r.verdicts for name in v.compared)
        shares = [evaluation_table.percent(share) for share in (r.evaluation.float_accuracy, r.evaluation.accuracy)]
        rows.append([name, bits, compared, ran, *shares])
    console.table(
        "",
        ["model", "verdict", "compared", "executors against the reference", "float accuracy", "integer accuracy"],
        rows,
        (2, 4, 5),
    )
    console.say(
        f"{seconds:.0f} s. Look into ",
        console.styled(out, "bold"),
        ": model.onnx, step.onnx, certificate.json, manifest.json, vectors.npz, plots/",
    )
    inspect, verify = console.command("snn2hw", "inspect", out / MODELS[0]), console.command("snn2hw", "verify", out / MODELS[1])
    console.say(f"Next: {inspect}    {verify}")
