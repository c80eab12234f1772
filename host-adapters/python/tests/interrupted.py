"""Lets a signal arrive at any moment of a call, time and again, and tells what became of it.

Argument: how often. A signal that is lost, or breaks something, ends it with an error.
"""

from __future__ import annotations

import gc
import random
import signal
import sys
import tempfile
from types import FrameType

from batchintory import HistoryQuery, Inventory

came = 0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """As the handler of Ctrl-C does, or one that bounds the time of a task."""
    global came
    came += 1
    raise KeyboardInterrupt


def call_until(inventory: Inventory, expected: int) -> None:
    """A function of its own: some versions of Python leave the end of a loop out of the `try` around it."""
    while came < expected:
        inventory.history(HistoryQuery(limit=1))


def main(signals: int) -> None:
    """Most of the time of a call on SQLite is the planner's, or that of the bridge to it."""
    chance = random.Random(1)
    signal.signal(signal.SIGALRM, interrupt)
    # What finalizers raise is always lost.
    gc.disable()
    with tempfile.TemporaryDirectory() as folder, Inventory(f"sqlite:{folder}/lake.sqlite") as inventory:
        inventory.migrate()
        for expected in range(1, signals + 1):
            # With an instance that is not the one which was interrupted.
            inventory.history()
            try:
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00005, 0.002))
                call_until(inventory, expected)
            except KeyboardInterrupt:
                continue
            sys.exit(f"signal {came} was lost")


if __name__ == "__main__":
    main(int(sys.argv[1]))
