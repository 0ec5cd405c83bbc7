"""`snn2hw backends`: what runs and writes networks here, and why not."""

from __future__ import annotations

from snn2hw.backends import Backend, Executor, Writer, backends, on_request
from snn2hw.backends.registry import Broken
from snn2hw.backends.running import why_not
from snn2hw.cli import console
from snn2hw.cli.options import AsJson


def backends_(as_json: AsJson = False) -> None:
    """List the back ends: ours, and those of installed packages (entry points of the group snn2hw.backends).

    `simulate` and `verify` take those that run networks, `export` those that write them.

    **Example**

    `snn2hw backends --json`
    """
    found = [_facts(name, backend) for name, backend in backends().items()]
    if as_json:
        console.print_json(found)
        return
    rows = [[f["name"], _used(f), f["description"], "yes" if f["available"] else f"no: {f['reason']}"] for f in found]
    console.table("", ["back end", "used by", "what it is", "works here"], rows)


def _facts(name: str, backend: Backend) -> dict[str, object]:
    runs, broken = isinstance(backend, Executor), isinstance(backend, Broken)
    reason = why_not(backend) if isinstance(backend, Executor) else ""
    return {
        "name": name,
        "description": backend.description,
        "runs": runs and not broken,
        "writes": isinstance(backend, Writer) and not broken,
        "on_request": on_request(backend),
        "available": not reason,
        "reason": reason,
    }


def _used(facts: dict[str, object]) -> str:
    verbs = ["simulate, verify" + " (when named)" * bool(facts["on_request"])] * bool(facts["runs"])
    return ", ".join(verbs + ["export"] * bool(facts["writes"]))
