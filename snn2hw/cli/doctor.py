"""`snn2hw doctor`: what of this machine snn2hw can use, and how to get what is missing."""

from __future__ import annotations

from dataclasses import asdict

from snn2hw.cli import console
from snn2hw.cli.options import AsJson
from snn2hw.environment import facts, parts


def doctor(as_json: AsJson = False) -> None:
    """Show versions, packages, compilers, tools, back ends and the cache of this machine, and how to get what is missing.

    Nothing is installed and nothing is changed. Put the output into a report of a fault.

    **Example**

    `snn2hw doctor --json`
    """
    machine, found = facts(), list(parts())
    if as_json:
        console.print_json({"machine": machine, "parts": [asdict(p) for p in found]})
        return
    shown = {**machine, "instruction sets": ", ".join(machine["instruction sets"]) or "not said",
             "cache bytes": f"{machine['cache bytes']:,}", "cache writable": "yes" if machine["cache writable"] else "no",
             "variables": ", ".join(f"{k}={v}" for k, v in machine["variables"].items()) or "none"}  # fmt: skip
    console.table("this machine", ["", ""], [[k, str(v)] for k, v in shown.items() if k != "cache variable"])
    for kind in dict.fromkeys(p.kind for p in found):
        rows = [
            [p.name, p.there if p.there else console.styled("missing", "bold yellow"), p.used, "" if p.there else p.remedy]
            for p in found
            if p.kind == kind
        ]
        console.table("", [kind, "here", "for", "to get it"], rows)
    missing = [p for p in found if not p.there]
    console.say(f"{len(found) - len(missing)} of {len(found)} are here; what is missing is needed only for what its row says")
    if not machine["cache writable"]:
        console.say(f"the cache cannot be written: set {machine['cache variable']} to another folder")
