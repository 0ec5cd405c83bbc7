"""The command line: one file per verb; arguments enter, tables and exit codes leave."""

import sys

__all__ = ["main"]


def main() -> None:
    """The console script. What it needs is imported here, so that Ctrl-C meanwhile is no traceback either."""
    try:
        from snn2hw.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
