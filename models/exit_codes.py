"""What a train.py ends with: its exit code, after the message of what stopped it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from snn2hw.errors import Snn2hwError


def exit_code(run: Callable[[], None], stopped: str = "stopped") -> int:
    """Run the command; 0, 2 after an error's message, 130 where it was interrupted.

    Args:
        run: the command. stopped: what is said of an interruption that says nothing of itself.
    """
    try:
        run()
    except Snn2hwError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(str(interrupt) or stopped, file=sys.stderr)
        return 130
    return 0
