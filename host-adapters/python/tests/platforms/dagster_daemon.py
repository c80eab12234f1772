"""A daemon of Dagster that may be killed, with its code server and its runs in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from text_files import programs_path

FAULTS = Path(__file__).with_name("dagster_faults.py")
#: Two runs at once.
CONFIGURATION = """
telemetry: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 2}}
"""
#: Only what hangs takes so long, in seconds, however busy the machine is.
PATIENCE = 900


class Daemon:
    """With SQLite for what Dagster keeps, in the folder in which faults are noted, too."""

    def __init__(self, folder: Path, url: str) -> None:
        self._home = folder / "dagster"
        self._home.mkdir()
        (self._home / "dagster.yaml").write_text(CONFIGURATION)
        self._log = folder / "daemon.log"
        self._environment = {
            **os.environ,
            "DAGSTER_HOME": str(self._home),
            "FOLDER": str(folder),
            "LAKE_URL": url,
            "PYTHONPATH": programs_path(),
        }
        self._instance = DagsterInstance.from_config(str(self._home))

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)
        self._instance.dispose()

    def start(self) -> None:
        """Starts it, and what it starts."""
        command = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "--python-file", str(FAULTS)]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self._home, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Kills it, and what it has started."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        os.killpg(self._process.pid, by)
        self._process.wait()

    def runs(self, *statuses: DagsterRunStatus) -> Sequence[DagsterRun]:
        """Those in these states, or all."""
        found: Sequence[DagsterRun] = self._instance.get_runs(RunsFilter(statuses=statuses or None))
        return found

    def until(self, condition: Callable[[], object]) -> None:
        """Waits until something can be seen."""
        latest = time.monotonic() + PATIENCE
        while not condition():
            assert self._process.poll() is None, self._log.read_text()[-10_000:]
            assert time.monotonic() < latest, self._log.read_text()[-10_000:]
            time.sleep(0.5)
