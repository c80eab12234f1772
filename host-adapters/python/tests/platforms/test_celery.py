"""The recipe for Celery, with workers in processes of their own, one of which is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from text_files import attempts, counted_once, lake, programs_path

from batchintory import Inventory

#: The recipe, whose work kills its process once.
FAULTS = """
import os
from pathlib import Path
import celery_tasks
from celery_tasks import app, main
from killed_once import killed_once

celery_tasks.lines_of = killed_once(celery_tasks.lines_of, Path(os.environ["FOLDER"]))
app.conf.broker_url = "filesystem://"
folder = os.environ["FOLDER"] + "/messages"
app.conf.broker_transport_options = {
    "data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "-control"
}
if __name__ == "__main__":
    main()
"""
#: Only what hangs takes so long, in seconds.
PATIENCE = 600


@contextmanager
def workers(environment: dict[str, str], folder: Path) -> Iterator[None]:
    """A worker with two processes."""
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "--app", "faults", "worker", "--concurrency", "2"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            worker.terminate()
            worker.wait()


def test_a_batch_whose_worker_is_killed_goes_on_in_another(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lake.sqlite'}"
    lines = lake(create_engine(url), tmp_path)
    (tmp_path / "messages").mkdir()
    (tmp_path / "faults.py").write_text(FAULTS)
    environment = {
        **os.environ,
        "LAKE_URL": url,
        "FOLDER": str(tmp_path),
        "PYTHONPATH": programs_path(tmp_path),
    }
    subprocess.run([sys.executable, "faults.py"], env=environment, cwd=tmp_path, check=True)
    with Inventory(url) as inventory:
        assert inventory.jobs()[0].running == 15
        with workers(environment, tmp_path):
            latest = time.monotonic() + PATIENCE
            while inventory.jobs()[0].running:
                assert time.monotonic() < latest, (tmp_path / "worker.log").read_text()
                time.sleep(0.2)
    assert (tmp_path / "killed").exists()
    assert counted_once(url) == lines
    assert {(attempt.status, attempt.attempt) for attempt in attempts(url)} == {("succeeded", 1)}
    # The one that was killed, the one that came for it, and the other.
    assert len(list(tmp_path.glob("worker-*"))) >= 3
