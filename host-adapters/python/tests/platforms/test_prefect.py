"""What the package has for Prefect, on a server of its own, which keeps what it knows in SQLite."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import prefect_flow
import pytest
from conftest import nothing_forgotten
from prefect import State, flow, unmapped
from prefect.cache_policies import INPUTS
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Failed
from prefect.testing.utilities import prefect_test_harness
from pydantic import SecretStr
from sqlalchemy import create_engine
from text_files import (
    FILES,
    attempts,
    counted_once,
    lake,
    lake_url,
    let_leases_be_over,
    prepared,
    programs_path,
    statuses,
)

from batchintory import AcquireRequest, Batch, InvalidRequest, Inventory, Outcome, Superseded, Unavailable
from batchintory.prefect import BatchintoryBlock, acquire_batches, batch_task

SECRET = "p@ss-w0rd"
REQUEST = AcquireRequest("files", "prefect", max_count=4, lease_seconds=3600)
#: How many lines all files have.
LINES = sum(uid % 7 + 1 for uid in range(FILES))


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=600):
        yield


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of the inventory beside a meta table of files, where the block `lake` leads."""
    url = prepared(tmp_path)
    BatchintoryBlock(url=SecretStr(url)).save("lake", overwrite=True)
    return url


def run_of(work: Callable[[Batch], Any], batches: int = 1, **options: Any) -> list[State[Any]]:
    """How the tasks of a flow run end, each of which does this with its batch."""

    @batch_task(block="lake", **options)
    def count(batch: Batch) -> Any:
        return work(batch)

    @flow
    def count_lines() -> list[State[Any]]:
        futures = count.map(acquire_batches("lake", REQUEST, batches))
        futures.wait()
        return [future.state for future in futures]

    states: list[State[Any]] = count_lines()
    return states


def names(states: list[State[Any]]) -> list[str]:
    return [state.name or "" for state in states]


class Fails:
    """Work that fails so often."""

    def __init__(self, times: int, error: BaseException | None = None) -> None:
        self.tries = 0
        self._times = times
        self._error = error or ValueError("told to fail")

    def __call__(self, batch: Batch) -> dict[str, int]:
        self.tries += 1
        if self.tries <= self._times:
            raise self._error
        return prefect_flow.lines_of(batch.items)


def test_the_example_counts_each_line_once(url: str) -> None:
    with nothing_forgotten():
        assert prefect_flow.count_lines(batches=10) + prefect_flow.count_lines() == LINES
        assert prefect_flow.count_lines() == 0
    assert counted_once(url) == LINES
    assert {(attempt.status, attempt.attempt) for attempt in attempts(url)} == {("succeeded", 1)}
    # One for each flow run that has got any.
    assert len({attempt.job_identifier for attempt in attempts(url)}) == 2


def test_prefects_tries_are_one_attempt(url: str) -> None:
    work = Fails(2)
    with nothing_forgotten():
        assert names(run_of(work, retries=2)) == ["Completed"]
    assert work.tries == 3
    assert statuses(url) == [(0, 1, "succeeded")]
    assert attempts(url)[0].result_item == prefect_flow.lines_of(list(attempts(url)[0].result_item))


def test_a_batch_fails_with_the_last_try(url: str) -> None:
    work, seen = Fails(9), []

    def looks(batch: Batch) -> Any:
        seen.extend(statuses(url))
        return work(batch)

    assert names(run_of(looks, retries=2)) == ["Failed"]
    assert seen == [(0, 1, "running")] * 3
    assert statuses(url) == [(0, 1, "failed")]
    assert str(attempts(url)[0].log).startswith("ValueError: told to fail")
    # It is handed out again, which is the second attempt, and not the fourth.
    assert names(run_of(Fails(0))) == ["Completed"]
    assert statuses(url) == [(0, 1, "failed"), (0, 2, "succeeded")]


def test_a_try_that_prefect_does_not_make_is_none(url: str) -> None:
    work = Fails(9)
    assert names(run_of(work, retries=2, retry_condition_fn=lambda task, run, state: False)) == ["Failed"]
    assert (work.tries, statuses(url)) == (1, [(0, 1, "failed")])


def test_a_task_may_return_that_it_has_failed(url: str) -> None:
    assert names(run_of(lambda batch: Failed(message="no space left"), retries=1)) == ["Failed"]
    assert (statuses(url), attempts(url)[0].log) == ([(0, 1, "failed")], "no space left")


def test_hooks_of_others_are_called_too(url: str) -> None:
    seen: list[Any] = []

    @batch_task(block="lake", on_failure=[lambda task, run, state: seen.append("first")])
    def count(batch: Batch) -> Any:
        raise ValueError("told to fail")

    other = count.with_options(on_failure=[lambda task, run, state: seen.append("other")])

    @flow
    def count_lines() -> None:
        for each in (count, other):
            each(*acquire_batches("lake", REQUEST), return_state=True)

    count_lines(return_state=True)
    assert seen == ["first", "other"]
    assert statuses(url) == [(0, 1, "failed"), (0, 2, "failed")]


def test_one_failure_keeps_no_other_batch_back(url: str) -> None:
    def work(batch: Batch) -> Any:
        if batch.id_range.id_min == 4:
            raise ValueError("told to fail")
        return prefect_flow.lines_of(batch.items)

    assert sorted(names(run_of(work, batches=3))) == ["Completed", "Completed", "Failed"]
    assert statuses(url) == [(0, 1, "succeeded"), (4, 1, "failed"), (8, 1, "succeeded")]


def test_an_interrupted_batch_is_given_back(url: str) -> None:
    with pytest.raises(KeyboardInterrupt):

        @flow
        def count_lines() -> None:
            @batch_task(block="lake", retries=3)
            def count(batch: Batch) -> Any:
                raise KeyboardInterrupt

            count(*acquire_batches("lake", REQUEST))

        count_lines()
    with Inventory(url) as inventory:
        batch = inventory.acquire(REQUEST)
        assert isinstance(batch, Batch)
        assert batch.id_range.id_min == 0
        batch.succeed()


def test_the_lease_lasts_until_the_next_try(url: str) -> None:
    left: list[float] = []

    def remaining(token: str) -> float:
        with Inventory(url) as inventory:
            lease = inventory.batch(token)._lease
            assert lease is not None
            return lease.left

    work = Fails(1)

    def looks(batch: Batch) -> Any:
        left.append(remaining(batch.hand_over()))
        return work(batch)

    # So that the pause between tries takes no time, the longest one is that of a try that never comes.
    run_of(looks, retries=2, retry_delay_seconds=[0.01, 10_000], retry_jitter_factor=0.5)
    assert left[0] <= 3600
    assert 3600 + 10_000 < left[1] <= 3600 + 15_000


def test_a_retry_of_the_claim_gives_the_same_batches(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire = Inventory.acquire
    failed: list[bool] = []

    def fails_once(self: Inventory, request: AcquireRequest, claim_token: str | None = None) -> Any:
        if len(attempts(url)) == 2 and not failed:
            failed.append(True)
            raise Unavailable("told to fail")
        return acquire(self, request, claim_token)

    @flow
    def claims() -> list[str]:
        tokens: list[str] = acquire_batches.with_options(retries=1)("lake", REQUEST, 3)
        return tokens

    with monkeypatch.context() as patched, nothing_forgotten():
        patched.setattr(Inventory, "acquire", fails_once)
        tokens = claims()
    assert failed
    assert statuses(url) == [(start, 1, "running") for start in (0, 4, 8)]
    with Inventory(url) as inventory:
        assert [inventory.batch(token).id_range.id_min for token in tokens] == [0, 4, 8]


def test_a_lost_batch_is_not_tried_again(url: str) -> None:
    tries: list[str] = []

    def loses(batch: Batch) -> None:
        tries.append(batch.claim_token)
        with Inventory(url) as inventory:
            inventory.complete(batch.claim_token, Outcome(False, log="taken away"))

    (state,) = run_of(loses, retries=3)
    with pytest.raises(Superseded):
        state.result()
    assert len(tries) == 1
    assert (statuses(url), attempts(url)[0].log) == ([(0, 1, "failed")], "taken away")


def test_a_batch_that_has_succeeded_is_not_worked_on_again(url: str) -> None:
    """As where Prefect cannot keep what the task gives."""
    tries: list[str] = []

    def work(batch: Batch) -> Any:
        tries.append(batch.claim_token)
        batch.succeed({"lines": 7})
        raise ValueError("behind its end")

    assert names(run_of(work, retries=1)) == ["Completed"]
    assert len(tries) == 1
    assert (statuses(url), attempts(url)[0].result_item) == ([(0, 1, "succeeded")], {"lines": 7})


def test_other_arguments_are_handed_on(url: str) -> None:
    @batch_task(block="lake", cache_policy=INPUTS)
    def count(batch: Batch, word: str, *, times: int = 1) -> str:
        return f"{batch.id_range.id_min} {word * times}"

    @flow
    def count_lines() -> list[str]:
        tokens = acquire_batches("lake", REQUEST, 2)
        first = count.map(tokens, unmapped("a"), times=unmapped(2)).result()
        return [*first, count(batch=acquire_batches("lake", REQUEST)[0], word="b")]

    assert count_lines() == ["0 aa", "4 aa", "8 b"]


def test_what_cannot_work_is_refused(url: str) -> None:
    async def only_begins(batch: Batch) -> None: ...

    def takes_nothing() -> None: ...

    with pytest.raises(InvalidRequest, match="only_begins is an async function"):
        batch_task(only_begins, block="lake")
    with pytest.raises(InvalidRequest, match="takes_nothing has no parameters"):
        batch_task(takes_nothing, block="lake")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="called without Prefect"):
        prefect_flow.count.fn("a token")
    with pytest.raises(InvalidRequest, match="called without Prefect"):
        acquire_batches.fn("lake", REQUEST)
    with pytest.raises(InvalidRequest, match="batches is 0"):
        acquire_batches("lake", REQUEST, 0)
    with pytest.raises(InvalidRequest, match="no lease_seconds"):
        acquire_batches("lake", AcquireRequest("files", "prefect", max_count=4))


def test_no_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    block = BatchintoryBlock(url=SecretStr(f"postgresql://me:{SECRET}@127.0.0.1:1/lake"), meta_name="other")
    block.save("unreachable", overwrite=True)

    @batch_task(block="unreachable")
    def count(batch: Batch) -> None: ...

    @flow
    def count_lines() -> list[State[Any]]:
        return [count("a token", return_state=True), acquire_batches(block, REQUEST, return_state=True)]

    states = count_lines()
    assert names(states) == ["Failed", "Failed"]
    loaded = BatchintoryBlock.load("unreachable")
    assert loaded.url.get_secret_value().endswith("@127.0.0.1:1/lake")
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name("unreachable", "batchintory", include_secrets=False)
    shown = [repr(block), str(loaded), repr(states), caplog.text, repr(document.data)]
    assert "other" in shown[0]
    assert "127.0.0.1" in caplog.text
    assert SECRET not in "".join(shown)


#: The example, whose work kills its process once, when there are two. Each flow run takes three batches.
FAULTS = """
import os, time
from pathlib import Path
import prefect_flow
from killed_once import killed_once

folder = Path(os.environ["FOLDER"])
prefect_flow.lines_of = killed_once(prefect_flow.lines_of, folder)
(folder / f"here-{os.getpid()}").touch()
while len(list(folder.glob("here-*"))) < 2:
    time.sleep(0.1)
while prefect_flow.count_lines(batches=3):
    pass
"""


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_a_batch_whose_process_is_killed_goes_on_in_another(system: str, tmp_path: Path) -> None:
    url = lake_url(system, tmp_path)
    lines = lake(create_engine(url), tmp_path)
    with Inventory(url) as inventory:
        inventory.migrate()
    BatchintoryBlock(url=SecretStr(url)).save("lake", overwrite=True)

    def start() -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "FOLDER": str(tmp_path),
            "PYTHONPATH": programs_path(),
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        }
        with (tmp_path / "workers.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-c", FAULTS], env=environment, cwd=tmp_path, stdout=log, stderr=log
            )

    both = [start(), start()]
    assert sorted(each.wait() for each in both) == [-9, 0], (tmp_path / "workers.log").read_text()[-10_000:]
    lost = [attempt for attempt in attempts(url) if attempt.status == "running"]
    assert lost
    let_leases_be_over(url)
    assert start().wait() == 0, (tmp_path / "workers.log").read_text()[-10_000:]
    assert counted_once(url) == lines
    assert {attempt.id_start for attempt in lost} == {
        attempt.id_start for attempt in attempts(url) if attempt.attempt == 2
    }
    assert len(list(tmp_path.glob("worker-*"))) == 3
