"""Forked processes, interrupts, limits, and what is kept between processes."""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeInventory, fill, request_of
from sqlalchemy.engine import Engine

from batchintory import Batch, ForkError, HistoryQuery, Inventory, LimitReached, Limits, Trap
from batchintory.driver.pooled import PooledDatabase
from batchintory.fork_gate import gate
from batchintory.planner import component

#: Only what hangs takes so long, in seconds, however busy the machine is.
PATIENCE = 600


def _work(inventory: Inventory, found: Any) -> None:
    """Claims in two threads of a forked process."""
    # Whoever waits for it sees where it hangs.
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    seen: list[int] = []

    def claim() -> None:
        for batch in inventory.batches(request_of(7)):
            seen.extend(item.uid for item in batch.records)
            batch.succeed()

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.put(seen)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_goes_on_by_itself(url: str, lake: MakeInventory) -> None:
    inventory = lake(url, range(1, 301))
    busy = threading.Event()

    # Threads of the parent are under way, with locks that nobody opens in the child.
    def claim() -> None:
        while not busy.is_set():
            inventory.history(HistoryQuery(limit=5))

    threads = [threading.Thread(target=claim, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    context = multiprocessing.get_context("fork")
    found = context.Queue()
    processes = [context.Process(target=_work, args=(inventory, found), daemon=True) for _ in range(3)]
    try:
        for process in processes:
            process.start()
        uids = [uid for _ in processes for uid in found.get(timeout=2 * PATIENCE)]
        for process in processes:
            process.join(PATIENCE)
            assert process.exitcode == 0
    finally:
        busy.set()
    for thread in threads:
        thread.join()
    assert sorted(uids) == list(range(1, 301))
    # And so does the parent.
    assert inventory.jobs()[0].items == 300


class Session:
    """A driver whose statements do nothing."""

    dialect, error, fork_gate = "mysql", Exception, nullcontext()

    def set_up(self, connection: object) -> None:
        pass

    def run(self, connection: object, statement: str, parameters: Any) -> Any:
        return [], 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_no_fork_happens_while_a_connection_is_made() -> None:
    # Such as OpenSSL's, which every new connection with TLS takes.
    lock_of_a_library = threading.Lock()
    connecting, has_forked = threading.Event(), threading.Event()

    def connect() -> object:
        with lock_of_a_library:
            connecting.set()
            # Until a fork waits, or has not waited.
            while not gate._forking and not has_forked.is_set():
                time.sleep(0.001)
        return object()

    database = PooledDatabase(Session(), connect, schema=None, size=2)  # type: ignore[arg-type]
    thread = threading.Thread(target=database.query, args=("SELECT 1", ()))
    thread.start()
    connecting.wait()
    process = os.fork()
    if process == 0:
        os._exit(int(lock_of_a_library.locked()))
    has_forked.set()
    assert os.waitpid(process, 0)[1] == 0
    thread.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_connection_of_the_parent_is_refused(sqlite_url: str, engine_of: Any) -> None:
    engine: Engine = engine_of(sqlite_url)
    fill(engine)
    with engine.connect() as connection:
        inventory = Inventory(connection)
        inventory.migrate()
        reader, writer = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                inventory.jobs()
            except ForkError as error:
                os.write(writer, str(error).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(process, 0)
        assert b"belongs to the parent process" in os.read(reader, 1000)
        os.close(reader)


class Interrupted:
    """A database in whose statements somebody presses Ctrl-C."""

    dialect, schema = "sqlite", None

    def __init__(self, inventory: Inventory) -> None:
        self._database = inventory._both[0]
        self.at: int | None = None

    def query(self, statement: str, parameters: Any) -> Any:
        rows = self._database.query(statement, parameters)
        if self.at is not None:
            self.at -= 1
            if self.at == 0:
                signal.raise_signal(signal.SIGINT)
        return rows

    def close(self) -> None:
        pass


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises. Programs that a shell has put into the background ignore it, and so would Python."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_leaves_no_broken_instance_behind(sqlite_url: str, lake: MakeInventory) -> None:
    database = Interrupted(lake(sqlite_url))
    inventory = Inventory(database)  # type: ignore[arg-type]
    for at in (1, 2, 3):
        # A job's first claim sends several statements.
        request = replace(request_of(), job=f"interrupted at {at}")
        database.at = at
        with pytest.raises(KeyboardInterrupt):
            inventory.acquire(request)
        database.at = None
        # None is kept that did not come to its end.
        assert inventory._instances._idle == []
        batch = inventory.acquire(request)
        assert isinstance(batch, Batch)
        batch.succeed()
        inventory.close()


def test_a_signal_is_not_lost_at_whatever_moment_it_comes() -> None:
    program = Path(__file__).with_name("interrupted.py")
    ran = subprocess.run(
        [sys.executable, program, "100"], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_limits_have_a_name(sqlite_url: str, lake: MakeInventory) -> None:
    lake(sqlite_url)
    with pytest.raises(LimitReached, match="bytes of memory"):
        Inventory(sqlite_url, limits=Limits(memory_bytes=1 << 16)).acquire(request_of())
    with pytest.raises(LimitReached, match="seconds of computing"):
        Inventory(sqlite_url, limits=Limits(compute_seconds=0)).acquire(request_of())


def test_memory_that_runs_out_under_way_is_a_limit(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    tight = Inventory(sqlite_url, limits=Limits(memory_bytes=2 << 20))
    assert isinstance(tight.acquire(request_of()), Batch)
    with pytest.raises(LimitReached, match="bytes of memory"):
        tight.acquire(request_of(job_identifier="x" * (3 << 20)))
    assert isinstance(tight.acquire(request_of()), Batch)
    assert inventory.jobs()[0].running == 2


def test_a_host_that_lies_is_no_danger(sqlite_url: str, lake: MakeInventory) -> None:
    class Lying(Interrupted):
        def query(self, statement: str, parameters: Any) -> Any:
            return (object(),), 1

    with pytest.raises(Exception) as caught:  # noqa: PT011
        Inventory(Lying(lake(sqlite_url))).jobs()  # type: ignore[arg-type]
    assert not isinstance(caught.value, Trap)


SCRIPT = """
import json, sys
import batchintory
imported = [name for name in ("wasmtime", "sqlalchemy", "numpy", "pandas") if name in sys.modules]
from wasmtime import Module
from batchintory.planner import component
compiled = []
class Counting(Module):
    def __init__(self, engine, wasm):
        compiled.append(len(wasm))
        super().__init__(engine, wasm)
import wasmtime
wasmtime.Module = Counting
component.planner()
print(json.dumps([imported, len(compiled), "numpy" in sys.modules]))
"""


def run_with_cache(folder: Path) -> list[Any]:
    environment = {**os.environ, "BATCHINTORY_CACHE_DIR": str(folder)}
    printed = subprocess.check_output([sys.executable, "-c", SCRIPT], env=environment, text=True)
    found: list[Any] = json.loads(printed)
    return found


def test_importing_is_light_and_compiled_code_is_kept(tmp_path: Path) -> None:
    # The planner, the bridge to it, and what makes room in its memory.
    assert run_with_cache(tmp_path) == [[], 3, False]
    assert run_with_cache(tmp_path) == [[], 0, False]
    (file,) = (tmp_path / "batchintory").iterdir()
    whole = file.read_bytes()
    # What is damaged is not run, and made anew.
    for damaged in (whole[:-1], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], b""):
        file.write_bytes(damaged)
        assert run_with_cache(tmp_path)[1] == 3
        assert file.read_bytes() == whole
    # Nor is what somebody else could have written.
    file.chmod(0o666)
    assert run_with_cache(tmp_path)[1] == 3


def test_without_a_cache_it_is_compiled_anew(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert run_with_cache(tmp_path / "file") == [[], 3, False]


def test_the_component_s_absence_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from batchintory import ComponentError

    monkeypatch.setattr(component, "FILE", tmp_path / "nothing.wasm")
    with pytest.raises(ComponentError, match="cargo xtask component"):
        component.Planner()
    (tmp_path / "nothing.wasm").write_bytes(b"\0asm\x0d\0\1\0")
    monkeypatch.setenv("BATCHINTORY_CACHE_DIR", str(tmp_path))
    with pytest.raises(ComponentError, match="no planner component"):
        component.Planner()
