"""The command line: one file per verb; arguments enter, tables and exit codes leave."""

from snn2hw.cli.app import main

__all__ = ["main"]
