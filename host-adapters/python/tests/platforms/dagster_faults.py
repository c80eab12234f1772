"""The example for Dagster, whose first tick that claims is lost, and whose work kills its process once, and fails
once."""

import os
import threading
import time
from pathlib import Path
from unittest.mock import patch

import dagster_sensor
from killed_once import killed_once

from batchintory import Batch
from batchintory.dagster import tags

FOLDER = Path(os.environ["FOLDER"])
_count = dagster_sensor.lines_of
_lines_of = killed_once(lambda paths: _count([*paths]), FOLDER)


def once(name: str) -> bool:
    """Whether nobody has asked for this before."""
    try:
        (FOLDER / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def tags_of(batch: Batch) -> dict[str, str]:
    """What a run has that works on a batch, unless the daemon is to be killed before it requests one."""
    if once("claimed"):
        threading.Event().wait()
    return tags.tags_of(batch)


def lines_of(paths: list[str | None]) -> dict[str, int]:
    """What becomes of a batch, which fails once, when there were two at the same time."""
    (FOLDER / f"here-{os.getpid()}").touch()
    while len(list(FOLDER.glob("here-*"))) < 2:
        time.sleep(0.1)
    if any(str(path).endswith("file-42.txt") for path in paths) and once("failed"):
        raise ValueError("told to fail")
    return _lines_of([str(path) for path in paths])


patch("batchintory.dagster.sensor.tags_of", tags_of).start()
dagster_sensor.lines_of = lines_of
defs = dagster_sensor.defs
