"""A batch in the hands of its owner."""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest
from conftest import MakeInventory, claim, latest, nothing_forgotten, request_of
from sqlalchemy import text
from sqlalchemy.engine import Engine

from batchintory import (
    BatchReleased,
    Completion,
    InvalidRequest,
    Nothing,
    Outcome,
    ResultError,
    Superseded,
    json_text,
    to_json,
)
from batchintory.heartbeat import Heartbeat


def test_process_hands_on_what_the_function_gives(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)

    def count(items: list[str | None], times: int, *, extra: int) -> dict[str, int]:
        return {"count": len(items) * times + extra}

    assert claim(inventory).process(count, 2, extra=1) == {"count": 21}
    assert (latest(inventory).status, latest(inventory).result_item) == ("succeeded", {"count": 21})


def test_process_hands_on_what_the_function_raises(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)

    def fails(items: list[str | None]) -> None:
        raise RuntimeError("the bucket is full")

    batch = claim(inventory)
    with pytest.raises(RuntimeError, match="full"):
        batch.process(fails)
    assert batch.success is False
    attempt = latest(inventory)
    assert attempt.status == "failed"
    assert attempt.log.startswith("RuntimeError: the bucket is full\n")
    # Where it was raised, and not how it came to be called.
    assert "in fails" in attempt.log
    assert "in process" not in attempt.log
    assert claim(inventory).attempt == 2


def test_a_batch_is_true_and_nothing_is_false(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url, range(1, 3))
    # mypy knows it, too.
    if batch := inventory.acquire(request_of()):
        batch.succeed()
    nothing = inventory.acquire(request_of())
    assert not nothing
    assert nothing.reason == "caught-up"


def test_a_with_block_ends_its_batch(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    with claim(inventory) as batch:
        assert batch.success is None
    assert latest(inventory).status == "succeeded"
    with claim(inventory) as batch:
        batch.succeed([1, 2])
    assert latest(inventory).result_item == [1, 2]
    with pytest.raises(KeyboardInterrupt), claim(inventory) as batch:
        raise KeyboardInterrupt
    # An error without words has its name.
    assert latest(inventory).status == "failed"
    assert latest(inventory).log.startswith("KeyboardInterrupt\n")
    # Whoever is interrupted gives the batch back.
    assert claim(inventory).id_range == batch.id_range


def test_what_was_raised_is_seen_although_the_batch_was_taken(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    with pytest.raises(ZeroDivisionError), claim(inventory) as batch:
        inventory.requeue("files", "job", ("batch", batch.pk))
        raise ZeroDivisionError
    with pytest.raises(Superseded), claim(inventory) as batch:
        inventory.requeue("files", "job", ("batch", batch.pk))


def test_a_batch_ends_once(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    batch = claim(inventory)
    batch.fail("no words")
    for again in (batch.succeed, batch.fail, batch.succeeded, batch.failed):
        with pytest.raises(BatchReleased, match="has failed already"):
            again()
    assert "failed" in repr(batch)


def test_a_failure_is_logged_with_its_traceback(
    sqlite_url: str, lake: MakeInventory, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(items: list[str | None]) -> None:
        raise RuntimeError("the bucket is full")

    assert lake(sqlite_url).process(request_of(max_attempts=1), fails).failed == 10
    logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(logged) == 10
    assert "failed: the bucket is full" in logged[0].getMessage()
    assert logged[0].exc_info is not None
    assert isinstance(logged[0].exc_info[1], RuntimeError)


def test_a_reason_is_kept_whatever_the_error_says(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    def fails(items: list[str | None]) -> None:
        try:
            raise KeyError("first" + "\0\ud800")
        except KeyError as error:
            raise Mute from error

    with pytest.raises(Mute):
        claim(inventory).process(fails)
    log = latest(inventory).log
    assert log.partition("\n")[0].endswith("Mute: <exception str() failed>")
    assert "KeyError" in log
    claim(inventory).fail(ValueError("x" * 10_000_000))
    assert latest(inventory).log.startswith("ValueError: xxx")
    assert len(latest(inventory).log) < 200_000


@dataclass
class Report:
    path: Path
    when: datetime


def test_results_of_python_s_own_types_are_kept(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    when = datetime(2026, 5, 17, 10, 45, 2, tzinfo=timezone.utc)
    number = uuid.UUID(int=5)

    class Colour(Enum):
        RED = "red"

    for result, kept in [
        (Path("a/b.csv"), "a/b.csv"),
        ([when, when.date(), timedelta(seconds=90)], ["2026-05-17T10:45:02+00:00", "2026-05-17", 90]),
        ({"number": number, "price": Decimal("1.50")}, {"number": str(number), "price": 1.5}),
        (Report(Path("a"), when), {"path": "a", "when": "2026-05-17T10:45:02+00:00"}),
        ({3, 1, 2}, [1, 2, 3]),
        (Colour.RED, "red"),
        (
            {"rows": numpy.int64(7), "mean": numpy.float32(0.5), "all": numpy.arange(3)},
            {"rows": 7, "mean": 0.5, "all": [0, 1, 2]},
        ),
    ]:
        batch = claim(inventory, count=1)
        batch.succeed(result)
        assert latest(inventory).result_item == kept


def test_a_result_that_is_no_json_is_kept_as_its_repr(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)

    class Mute:
        def __repr__(self) -> str:
            raise ValueError("no words")

    def given(result: Any, items: list[str | None]) -> Any:
        return result

    circle: list[Any] = []
    circle.append(circle)
    for result, kept in [
        (float("inf"), "inf"),
        ({"rate": float("nan")}, "{'rate': nan}"),
        (b"bytes", "b'bytes'"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (circle, "[[...]]"),
        (Mute(), "<Mute whose repr raises ValueError>"),
    ]:
        with pytest.warns(UserWarning, match="its repr is kept instead"):
            assert claim(inventory, count=1).process(partial(given, result)) is result
        assert (latest(inventory).status, latest(inventory).result_item) == ("succeeded", kept)


@pytest.mark.filterwarnings("error")
def test_no_warning_fails_a_batch_whose_work_is_done(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    claim(inventory).process(lambda items: object())
    assert latest(inventory).status == "succeeded"


class Begins:
    async def __call__(self, items: list[str | None]) -> None:
        raise AssertionError("nobody waits for it")


def test_work_that_only_begins_is_refused_before_the_claim(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)

    async def begins(items: list[str | None]) -> None:
        raise AssertionError("nobody waits for it")

    def generates(items: list[str | None]) -> Iterator[int]:
        yield len(items)

    for work in (begins, partial(begins), Begins(), generates):
        with pytest.raises(InvalidRequest, match="only begins the work") as refused:
            inventory.process(request_of(), work)
        assert refused.value.field == "work"
    assert inventory.history() == []
    batch = claim(inventory)
    with pytest.raises(InvalidRequest):
        batch.process(begins)
    assert latest(inventory).status == "running"
    # What is not seen before is seen then.
    with pytest.raises(ResultError, match="only begun"):
        batch.process(lambda items: begins(items))
    assert latest(inventory).status == "failed"


def test_a_batch_that_is_forgotten_warns(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    batch = claim(inventory)
    with pytest.warns(ResourceWarning, match="ids 1 to 10, 10 items, running> was forgotten"):
        del batch


def test_a_batch_that_is_over_or_handed_over_does_not_warn(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    with nothing_forgotten():
        claim(inventory).succeed()
        claim(inventory).fail()
        batch = claim(inventory)
        inventory.complete(batch.claim_token, Outcome(True))
        batch = claim(inventory)
        inventory.advance(Completion(batch.claim_token, Outcome(True)), request_of(job="other")).fail()  # type: ignore[union-attr]
        token = claim(inventory, lease_seconds=60).hand_over()
        pickle.dumps(claim(inventory))
        del batch
    inventory.batch(token).succeed()


def test_a_range_whose_rows_are_gone_succeeds_without_its_work(
    url: str, lake: MakeInventory, engine_of: Callable[[str], Engine]
) -> None:
    inventory = lake(url)

    def never(items: list[str | None]) -> None:
        raise AssertionError("there is nothing to do")

    for is_alone in (True, False):
        batch = claim(inventory)
        batch.fail("a try")
        with engine_of(url).begin() as connection:
            gone = f"uid <= {batch.id_range.id_max}" if is_alone else "uid > 0"
            connection.execute(text(f"DELETE FROM files WHERE {gone}"))
        if is_alone:
            assert claim(inventory).process(never) is None
        else:
            assert inventory.process(request_of(), never).succeeded == 1
        attempt = latest(inventory)
        assert (attempt.status, attempt.count, attempt.attempt) == ("succeeded", 0, 2)
        assert "no items" in attempt.log


@pytest.mark.parametrize(
    "result",
    [
        Decimal("1e400"),
        [10**29 + 7],
        Decimal("3.14159265358979323846264338328"),
        {"half of a character": "\udc80", "\0": "\0"},
        0.1,
        "no number: 1e400",
    ],
)
def test_results_are_kept_to_the_letter(url: str, lake: MakeInventory, result: Any) -> None:
    inventory = lake(url)
    claim(inventory).succeed(result)
    assert (latest(inventory).result_item, type(latest(inventory).result_item)) == (result, type(result))
    assert json_text.parse(to_json(latest(inventory)))["result_item"] == result


def test_any_number_of_json_is_read() -> None:
    for number in ("1e400", "-1E-400", "9" * 5_000, "0." + "1" * 200):
        assert json_text.parse(f"[{number}]") == [Decimal(number)]
        assert str(json_text.write(json_text.parse(number))).lower() == number.lower().replace("1e400", "1e+400")
    for number in ("0.0", "-0.0", "0e5", "1.50", "0.10000000000000001", "5e-324", "1.7976931348623157e308"):
        assert isinstance(json_text.parse(number), float), number
    assert json_text.parse("1e99999999999999999999") == "1e99999999999999999999"
    assert json_text.parse("[" * 100_000 + "]" * 100_000) == "[" * 100_000 + "]" * 100_000


def test_a_result_that_is_not_taken_leaves_the_batch_to_its_owner(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    batch = claim(inventory)
    with pytest.raises(InvalidRequest, match="at most 1048576"):
        batch.succeed("x" * (1 << 20))
    batch.succeed("short")
    assert latest(inventory).result_item == "short"
    with pytest.raises(InvalidRequest, match="at most 1048576"):
        claim(inventory).process(lambda items: "x" * (1 << 20))
    assert latest(inventory).status == "failed"


def test_a_log_is_cut_and_cleaned(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    claim(inventory).fail("\ud800\0" + "ä" * 1_000_000)
    log = latest(inventory).log
    assert len(log.encode()) <= 1 << 20
    assert log.endswith("ää")


def test_processing_goes_on_until_nothing_is_left(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)

    def odd(items: list[str | None]) -> None:
        if "file-15" in items:
            raise ValueError("fifteen")

    processed = inventory.process(request_of(), odd)
    assert (processed.succeeded, processed.failed) == (9, 3)
    assert isinstance(processed.nothing, Nothing)
    assert inventory.jobs()[0].exhausted == 1


def test_iterations_bound_the_batches(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    assert len(list(inventory.batches(request_of(), 4))) == 4
    assert inventory.jobs()[0].running == 4


def test_the_lease_goes_on_while_a_batch_is_worked_on(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    beats = threading.Event()
    original = inventory.heartbeat

    def heartbeat(claim_token: str, lease_seconds: Any) -> None:
        original(claim_token, lease_seconds)
        beats.set()

    inventory.heartbeat = heartbeat  # type: ignore[method-assign]
    with claim(inventory, lease_seconds=1) as batch:
        assert beats.wait(60)
        assert not batch.is_lost
    assert batch.success
    # It has stopped with the batch.
    assert isinstance(batch._heartbeat, Heartbeat)
    thread = batch._heartbeat._thread
    assert thread is not None
    thread.join(60)
    assert not thread.is_alive()


def test_a_heartbeat_tells_that_a_batch_was_taken(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    batch = claim(inventory, lease_seconds=1)
    batch.keep_alive()
    inventory.requeue("files", "job", ("batch", batch.pk))
    deadline = time.monotonic() + 60
    while not batch.is_lost and time.monotonic() < deadline:
        time.sleep(0.02)
    assert batch.is_lost


def test_progress_is_shown(sqlite_url: str, lake: MakeInventory, capsys: pytest.CaptureFixture[str]) -> None:
    inventory = lake(sqlite_url)
    for batch in inventory.batches(request_of(), progress=True):
        batch.succeed()
    shown = capsys.readouterr().err
    assert "100/100" in shown
    assert "job" in shown
