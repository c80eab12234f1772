"""The command: what it prints, how it ends, and what it keeps to itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from batchintory import AcquireRequest, Inventory, __version__
from batchintory.command_line import main

Run = Callable[..., tuple[int, str, str]]

REQUEST = AcquireRequest("files", "count", max_count=2, max_attempts=1)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A meta table of four files; the command finds it by its environment."""
    for name in list(os.environ):
        if name.startswith(("BATCHINTORY_INVENTORY", "BATCHINTORY_META", "PYBATCHINTORY_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'lake.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)"))
        connection.execute(text("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 2500)"))
    engine.dispose()
    monkeypatch.setenv("BATCHINTORY_INVENTORY_CONN", "sqlite:lake.sqlite")
    return "sqlite:lake.sqlite"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; what it gives is its exit code, its output and what it says."""

    def runs(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return runs


def work(lake: str) -> None:
    """One batch succeeds, one fails."""
    with Inventory(lake) as inventory:
        for items, outcome in (("a, b", True), ("c, d", False)):
            batch = inventory.acquire(REQUEST)
            assert batch, items
            if outcome:
                batch.succeed({"files": 2})
            else:
                batch.fail("the disk\nis full")


def test_it_shows_jobs_and_attempts_and_requeues(lake: str, run: Run) -> None:
    assert run("migrate") == (0, "", "created the inventory\n")
    assert run("migrate") == (0, "", "")
    assert run("status") == (0, "", "no batches yet\n")
    assert run("history") == (0, "", "no attempts\n")
    work(lake)

    code, out, _ = run("status", "--job", "count")
    head, line = out.splitlines()
    assert code == 0
    assert head.split() == [
        *["JOB", "META", "TABLE", "BATCHES", "ITEMS", "WEIGHT", "RUNNING", "FAILED", "WAITING", "EXHAUSTED"],
        *["WATERMARK", "REMAINING", "LATEST"],
    ]
    assert line.split()[:11] == ["count", "files", "1", "2", "3", "0", "1", "0", "1", "4", "0"]
    assert run("status", "--job", "other")[2] == "no such job\n"

    code, out, _ = run("history")
    _, failed, succeeded = out.splitlines()
    assert failed.startswith(" 2  count")
    assert "failed, exhausted" in failed
    assert "2,503" in failed
    assert failed.endswith("  is full")
    assert succeeded.endswith('{"files":2}')
    assert len(run("history", "--limit", "1")[1].splitlines()) == 2

    requeue = ("requeue", "--meta-table", "files", "--job", "count")
    assert run(*requeue, "--exhausted") == (0, "", "1 range was requeued\n")
    assert run(*requeue, "--ids", "1..2,4") == (0, "", "2 ranges were requeued\n")
    assert run(*requeue, "--batch", "1", "--json") == (0, '{"ranges":1}\n', "")


def test_json_has_every_field(lake: str, run: Run) -> None:
    run("migrate")
    assert run("history", "--json")[1] == "[]\n"
    work(lake)
    attempts: list[Any] = json.loads(run("history", "--json")[1])
    assert [(attempt["id"], attempt["queue"]) for attempt in attempts] == [(2, "exhausted"), (1, None)]
    jobs: list[Any] = json.loads(run("status", "--json")[1])
    assert [(job["job"], job["remaining"]["items"]) for job in jobs] == [("count", 0)]
    assert jobs[0]["remaining_error"] is None


def test_a_meta_table_that_is_gone_hides_no_job(lake: str, run: Run) -> None:
    run("migrate")
    work(lake)
    engine = create_engine("sqlite:///lake.sqlite")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE files"))
    engine.dispose()
    code, out, err = run("status")
    assert code == 0
    assert " ? " in out
    assert err.startswith("warning: what remains of the job 'count' is not known: ")


def test_errors_say_what_to_do(lake: str, run: Run, tmp_path: Path) -> None:
    code, _, err = run("status")
    assert code == 1
    assert err.endswith("hint: run `batchintory migrate` once to create the inventory\n")
    code, _, err = run("status", "--json")
    told = json.loads(err)
    assert (code, told["error"], told["database"]) == (1, "no-such-table", "inventory")
    code, _, err = run("history", "--inventory", "sqlite:absent.sqlite")
    assert code == 1
    assert "there is no file absent.sqlite: run `batchintory migrate`" in err
    assert not (tmp_path / "absent.sqlite").exists()
    code, _, err = run("status", "--env-file", "absent.env")
    assert code == 2
    assert "there is no dot-env file 'absent.env'" in err
    for arguments in (("requeue", "--job", "count"), ("history", "--limit", "1001"), ("status", "--jo", "a")):
        assert run(*arguments)[0] == 2, arguments
    code, _, err = run("requeue", "--meta-table", "files", "--job", "count", "--ids", "1..x")
    assert code == 2
    assert "give ID or FIRST..LAST" in err


def test_no_password_is_told(lake: str, run: Run) -> None:
    url = "postgresql://worker:s3cr3t@127.0.0.1:1/lake"
    for arguments in (("status", "--inventory", url), ("status", url), (url,), ("history", "--uid", url)):
        code, out, err = run(*arguments)
        assert code in (1, 2)
        assert "s3cr3t" not in out + err, arguments
        assert err


def test_it_is_a_module_and_a_script(lake: str) -> None:
    script = Path(sys.executable).with_name("batchintory")
    for command in ([sys.executable, "-m", "batchintory"], [str(script)]):
        told = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert told.stdout == f"batchintory {__version__}\n"


def test_a_reader_that_has_seen_enough_is_no_error(lake: str, run: Run) -> None:
    run("migrate")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "batchintory", "history", "--json"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
