"""The provider for Airflow, by `airflow dags test`, and by a scheduler whose tasks run in processes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from conftest import on_server, sqlalchemy_url
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from text_files import FILES, attempts, counted_once, lake

from batchintory import AcquireRequest, Inventory

AIRFLOW = str(Path(sys.executable).with_name("airflow"))
EXAMPLE = Path(__file__).parents[2] / "examples/airflow_dag.py"
FAULTS = Path(__file__).with_name("airflow_faults.py")
#: Only what hangs takes so long, in seconds, however busy the machine is.
PATIENCE = 900


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as until:
        servers = [until.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def until(condition: Callable[[], bool]) -> None:
    """Waits until something can be seen."""
    latest = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.5)


class Airflow:
    """An installation of its own, with SQLite for what Airflow keeps."""

    def __init__(self, home: Path, connection: dict[str, Any]) -> None:
        self.home = home
        port, for_logs, for_logs_of_triggers = free_ports(3)
        self.port = port
        (home / "dags").mkdir(parents=True)
        self.environment = {
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(for_logs_of_triggers),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(for_logs),
            "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "0",
            "AIRFLOW_CONN_BATCHINTORY_DEFAULT": json.dumps(connection),
            "FILES_OF_FAULTS": str(home / "faults"),
        }
        (home / "faults").mkdir()
        self.run("db", "migrate")

    def run(self, *arguments: str) -> str:
        """What a command prints."""
        ran = subprocess.run(
            [AIRFLOW, *arguments], env=self.environment, cwd=self.home, text=True, capture_output=True, check=False
        )
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-10_000:]
        return ran.stdout

    def start(self, end: ExitStack, service: str) -> None:
        """Starts what runs until the test ends."""
        log = end.enter_context((self.home / f"{service}.log").open("w"))
        process = subprocess.Popen([AIRFLOW, service], env=self.environment, cwd=self.home, stdout=log, stderr=log)
        end.callback(process.wait)
        end.callback(process.terminate)

    def answers(self) -> bool:
        """Whether its API can be reached, without which no task runs."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/api/v2/version"):
                return True
        except OSError:
            return False

    def trigger(self, dag: str, run: str) -> None:
        """Begins a run."""
        self.run("dags", "trigger", dag, "--run-id", run)

    def wait_for(self, dag: str, run: str, state: str) -> None:
        """Waits until a run has ended, in this way."""
        latest = time.monotonic() + PATIENCE
        while True:
            # Warnings come before it.
            runs = json.loads(self.run("dags", "list-runs", dag, "--output", "json").splitlines()[-1])
            (found,) = [each["state"] for each in runs if each["run_id"] == run]
            if found in ("success", "failed"):
                assert found == state, self.told()
                return
            assert time.monotonic() < latest, self.told()
            time.sleep(1)

    def told(self) -> str:
        """The end of what went on."""
        return "\n".join(log.read_text()[-3000:] for log in self.home.glob("*.log"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """A database, and Airflow's connection to it."""
    if request.param == "sqlite":
        path = tmp_path / "lake.sqlite"
        return f"sqlite:///{path}", {"conn_type": "batchintory", "host": str(path), "extra": {"system": "sqlite"}}
    url = make_url(sqlalchemy_url(on_server("postgresql")))
    return url.render_as_string(False), {
        "conn_type": "postgres",
        "host": url.host,
        "port": url.port,
        "login": url.username,
        "password": url.password,
        "schema": url.database,
    }


def filled(url: str, folder: Path) -> int:
    """Makes the tables; gives back how many lines the files have."""
    lines = lake(create_engine(url), folder)
    with Inventory(url) as inventory:
        inventory.migrate()
    return lines


def test_each_file_is_counted_once_by_a_test_of_the_dag(place: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    url, connection = place
    lines = filled(url, tmp_path)
    airflow = Airflow(tmp_path / "airflow", connection)
    shutil.copy(EXAMPLE, airflow.home / "dags")
    printed = airflow.run("dags", "test", "count_lines")
    assert f"Returned value was: {lines}" in printed
    if connection.get("password"):
        logs = "".join(path.read_text() for path in (airflow.home / "logs").rglob("*.log"))
        assert connection["password"] not in printed + logs
    assert counted_once(url) == lines
    assert {attempt.attempt for attempt in attempts(url)} == {1}
    # Nothing is left: what is mapped over nothing is skipped.
    assert {attempt.job_identifier for attempt in attempts(url)} != {None}


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[tuple[Airflow, str, int]]:
    """A scheduler that runs tasks in two processes at once, and the inventory's URL."""
    url = f"sqlite:///{tmp_path / 'lake.sqlite'}"
    lines = filled(url, tmp_path)
    airflow = Airflow(tmp_path / "airflow", {"conn_type": "sqlite", "host": str(tmp_path / "lake.sqlite")})
    shutil.copy(FAULTS, airflow.home / "dags")
    airflow.run("dags", "reserialize")
    airflow.run("dags", "unpause", "faults")
    with ExitStack() as end:
        airflow.start(end, "api-server")
        until(airflow.answers)
        for service in ("dag-processor", "scheduler", "triggerer"):
            airflow.start(end, service)
        yield airflow, url, lines


def test_workers_are_killed_and_tasks_fail_and_are_cleared(scheduled: tuple[Airflow, str, int]) -> None:
    airflow, url, lines = scheduled
    faults = airflow.home / "faults"
    # By the uid of a batch's first file: what becomes of the tries, in their order.
    (faults / "8").write_text("kill")
    (faults / "16").write_text("fail")
    (faults / "24").write_text("fail fail")
    (faults / "32").write_text("give-up")
    (faults / "40").write_text("crash-behind-the-end")
    airflow.trigger("faults", "first")
    airflow.wait_for("faults", "first", "failed")

    of_first = {attempt.id_start: attempt for attempt in attempts(url)}
    assert len(of_first) == len(attempts(url)) == FILES // 4
    # Tries of Airflow are no attempts: only what failed for good has failed here.
    failed = {24, 32}
    assert {start for start, attempt in of_first.items() if attempt.status == "failed"} == failed
    assert {attempt.status for start, attempt in of_first.items() if start not in failed} == {"succeeded"}
    assert {attempt.attempt for attempt in of_first.values()} == {1}
    tries = Counter(path.name.split("-")[0] for path in faults.glob("*-try-*"))
    assert (tries["8"], tries["16"], tries["24"], tries["32"], tries["40"]) == (2, 2, 2, 1, 1)
    assert "told to fail" in (of_first[24].log or "")
    # Two were worked on at the same time, each in a process of its own.
    assert len({path.read_text() for path in faults.glob("*-try-*")}) > 2
    assert (faults / "met").exists()

    # Cleared, it claims anew: what has failed comes again, and nothing else.
    airflow.run("tasks", "clear", "faults", "--task-regex", "acquire", "--downstream", "--yes")
    airflow.wait_for("faults", "first", "success")
    again = attempts(url)[FILES // 4 :]
    assert {attempt.id_start: (attempt.attempt, attempt.status) for attempt in again} == {
        24: (2, "succeeded"),
        32: (2, "succeeded"),
    }
    assert counted_once(url) == lines


def test_a_deferred_sensor_sees_what_comes(scheduled: tuple[Airflow, str, int]) -> None:
    airflow, url, lines = scheduled
    with Inventory(url) as inventory:
        # All is done.
        request = AcquireRequest("files", "faults", max_count=4)
        inventory.process(request, lambda paths: {path: Path(str(path)).read_text().count("\n") for path in paths})
    assert counted_once(url) == lines
    # There will be one task, which nobody meets.
    (airflow.home / "faults/met").touch()
    airflow.trigger("faults", "waits")
    until(lambda: "deferred" in airflow.run("tasks", "states-for-dag-run", "faults", "waits"))
    with Inventory(url) as inventory:
        inventory.requeue("files", "faults", ("batch", attempts(url)[3].id))
    airflow.wait_for("faults", "waits", "success")
    assert [(attempt.id_start, attempt.attempt) for attempt in attempts(url)[FILES // 4 :]] == [(12, 2)]
