"""Train every neuron on a task, in floats and in integers, and write the table of docs/how-to/custom.md.

python -m bench.custom --task digits-sequential --seeds 3
python -m bench.custom --task fsdd --seeds 3          needs real/fsdd.npz, see bench/custom/fsdd.py
python -m bench.custom --task fsdd --quick            a smoke test; its numbers mean nothing

Every training is kept in build/custom as it ends; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.commit import ROOT, commit
from bench.custom import fsdd, nets, one, page
from bench.custom.nets import PLANS, VARIANTS, Case
from bench.inserted import insert
from bench.machine import machine
from snn2hw.cli import console
from snn2hw.errors import Snn2hwError
from snn2hw.files.write import write_file

SEEDS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=tuple(PLANS), required=True)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"of every neuron (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="a smoke test: one seed, a tenth of the epochs")
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "custom", help="where single trainings are kept")
    parser.add_argument("--out", type=Path, help="folder of custom.md (docs/how-to; with --quick nothing is written there)")
    options = parser.parse_args(arguments)
    seeds, share = (1, 0.1) if options.quick else (options.seeds, 1.0)
    try:
        runs = _run(options.task, seeds, share, options.kept)
    except Snn2hwError as error:
        print(error, file=sys.stderr)
        return 2
    command = f"python -m bench.custom --task {options.task} " + ("--quick" if options.quick else f"--seeds {seeds}")
    results = {"command": command, "machine": machine(), "commit": commit(), "runs": runs}
    text = list(page.lines(results))
    print("\n".join(text))
    folder = options.out or (None if options.quick else ROOT / "docs" / "how-to")
    if folder:
        keep(results, options.task, folder, text)
    return int(any(n for r in runs for n in r["different"].values()))


def keep(results: dict[str, Any], task: str, folder: Path, text: Sequence[str]) -> None:
    """The results beside the page, and their table in it."""
    (folder / "custom").mkdir(parents=True, exist_ok=True)
    write_file(folder / "custom" / f"{task}.json", (json.dumps(results, indent=1) + "\n").encode(), force=True)
    insert(folder / "custom.md", task, text)


def _run(task: str, seeds: int, share: float, kept: Path) -> list[dict[str, Any]]:
    now = commit()
    made = hashlib.sha256(b"".join(Path(m.__file__ or "").read_bytes() for m in (nets, one, fsdd))).hexdigest()[:12]
    runs = []
    for seed, variant in itertools.product(range(seeds), VARIANTS):
        case = Case(task, variant, seed, share)
        file = kept / f"{made}_{now}" / f"{task}_{variant.replace(' ', '_')}_{seed}_{share:g}.json"
        if not file.is_file():
            one.keep(case, file, now)
        found = json.loads(file.read_text(encoding="utf-8"))
        runs.append(found)
        accuracies = ", ".join(f"{k} {100 * found[k]:.2f} %" for k in page.ACCURACIES)
        console.say(f"{task}, {variant}, seed {seed}: {accuracies}; {found['seconds']:.0f} s")
    return runs


if __name__ == "__main__":
    sys.exit(main())
