"""What the package has for Dagster, in this process."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import nothing_forgotten
from dagster import (
    AssetExecutionContext,
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    EnvVar,
    Failure,
    Jitter,
    OpExecutionContext,
    RetryPolicy,
    RetryRequested,
    asset,
    build_op_context,
    define_asset_job,
    job,
    materialize,
    op,
)
from dagster_daemon import Daemon
from dagster_ticks import REQUEST, Sensor, keys, nothing
from text_files import FILES, attempts, counted_once, prepared, statuses

from batchintory import AcquireRequest, Batch, InvalidRequest, Inventory, Superseded, Unavailable
from batchintory.dagster import BatchintoryResource, build_batch_sensor, build_lag_observation
from batchintory.dagster.tags import CLAIM_TOKEN

SECRET = "p@ss-w0rd"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of the inventory beside a meta table of files."""
    return prepared(tmp_path)


def run_of(
    work: Callable[[Batch], Any],
    url: str,
    tags: dict[str, str],
    instance: DagsterInstance | None = None,
    **options: Any,
) -> Any:
    """A run of a job whose op does this with its batch."""

    @op(**options)
    def count(context: OpExecutionContext, batchintory: BatchintoryResource) -> None:
        with batchintory.batch(context) as batch:
            work(batch)

    @job(resource_defs={"batchintory": BatchintoryResource(url=url)})
    def count_lines() -> None:
        count()

    return count_lines.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def claimed(url: str) -> dict[str, str]:
    """The tags of a run for the next batch."""
    sensor = Sensor(url)
    sensor.tick()
    (request,) = sensor.tick()
    return dict(request.tags)


def test_each_batch_gets_a_run(url: str) -> None:
    sensor = Sensor(url, batches=10, run_tags={"team": "lake"})
    assert sensor.tick() == []
    assert attempts(url) == []
    first, second = sensor.tick(), sensor.tick()
    assert [len(requests) for requests in (first, second, sensor.tick())] == [10, 5, 0]
    assert "No batch is left" in str(sensor.skipped)
    assert len(set(keys(first + second))) == FILES // 4
    request, attempt = first[0], attempts(url)[0]
    assert request.tags[CLAIM_TOKEN] == request.run_key
    assert (request.tags["batchintory/batch_id"], request.tags["batchintory/attempt"]) == (str(attempt.id), "1")
    assert (request.tags["dagster/max_retries"], request.tags["team"]) == ("0", "lake")
    assert {each.job_identifier for each in attempts(url)} == {"batches"}


def test_a_lost_tick_loses_no_batch(url: str) -> None:
    sensor = Sensor(url, batches=2)
    sensor.tick()
    lost = sensor.tick(is_lost=True)
    assert keys(sensor.tick(is_lost=True)) == keys(lost)
    # Some of its runs may have been created nevertheless, and may be over.
    assert run_of(lambda batch: batch.items, url, dict(lost[0].tags)).success
    found = sensor.tick()
    assert keys(found)[0] == keys(lost)[1]
    assert len(found) == 2
    assert statuses(url) == [(0, 1, "succeeded"), (4, 1, "running"), (8, 1, "running")]
    assert not set(keys(sensor.tick())) & set(keys(lost + found))


def test_a_tick_that_fails_keeps_what_it_has_claimed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = Sensor(url, batches=2)
    sensor.tick()
    acquire = Inventory.acquire

    def fails_behind_one(self: Inventory, request: AcquireRequest, claim_token: str | None = None) -> Any:
        if attempts(url):
            raise Unavailable("told to fail")
        return acquire(self, request, claim_token)

    with monkeypatch.context() as patched, nothing_forgotten():
        patched.setattr(Inventory, "acquire", fails_behind_one)
        with pytest.raises(Unavailable):
            sensor.tick()
    token = keys(sensor.tick())[0]
    assert token is not None
    assert statuses(url) == [(0, 1, "running"), (4, 1, "running")]
    with Inventory(url) as inventory:
        assert inventory.batch(token).id_range.id_min == 0


def test_nothing_is_claimed_while_runs_wait(url: str) -> None:
    sensor = Sensor(url, batches=10, runs=2)
    sensor.tick()

    def add(status: DagsterRunStatus) -> None:
        tags = {"dagster/sensor_name": "batches"}
        sensor.instance.create_run_for_job(nothing, tags=tags, status=status)

    add(DagsterRunStatus.SUCCESS)
    add(DagsterRunStatus.STARTED)
    assert len(sensor.tick()) == 1
    add(DagsterRunStatus.STARTING)
    assert sensor.tick() == []
    assert sensor.skipped == "At least 2 runs have not ended."
    assert len(attempts(url)) == 1


@pytest.mark.parametrize(
    ("request_", "options", "said"),
    [
        (REQUEST, {"batches": 0}, "batches is 0; it must be at least 1"),
        (REQUEST, {"runs": 0}, "runs is 0; it must be at least 1"),
        (AcquireRequest("files", "dagster", max_count=4), {}, "the request has no lease_seconds"),
    ],
)
def test_what_cannot_be_right_is_refused(request_: AcquireRequest, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        build_batch_sensor(request_, name="batches", **options)


def raising(*errors: BaseException | None) -> Callable[[Batch], None]:
    """Work that ends in these ways, one after the other."""
    ways = iter(errors)

    def work(batch: Batch) -> None:
        error = next(ways)
        if error is not None:
            raise error
        batch.succeed(len(batch.items))

    return work


RETRY = RetryPolicy(max_retries=1)


@pytest.mark.parametrize(
    ("ways", "policy", "status", "tries"),
    [
        ([None], None, "succeeded", 1),
        ([ValueError("told to")], None, "failed", 1),
        ([ValueError("told to"), None], RETRY, "succeeded", 2),
        ([ValueError("told to"), ValueError("told to")], RETRY, "failed", 2),
        ([Failure("told to", allow_retries=False)], RETRY, "failed", 1),
        ([RetryRequested(1), None], None, "succeeded", 2),
        ([RetryRequested(1), RetryRequested(1)], None, "failed", 2),
    ],
)
def test_the_batch_ends_as_the_op_does(
    ways: list[Any], policy: RetryPolicy | None, status: str, tries: int, url: str
) -> None:
    seen: list[int] = []
    work = raising(*ways)

    def counted(batch: Batch) -> None:
        seen.append(batch.attempt)
        work(batch)

    ran = run_of(counted, url, claimed(url), retry_policy=policy)
    # Tries of Dagster are no attempts.
    assert seen == [1] * tries
    assert statuses(url) == [(0, 1, status)]
    assert ran.success is (status == "succeeded")
    (attempt,) = attempts(url)
    if status == "succeeded":
        assert attempt.result_item == 4
    else:
        assert "told to" in (attempt.log or "") or "RetryRequested" in (attempt.log or "")


def test_the_lease_lasts_until_the_next_try(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prolonged: list[Any] = []
    heartbeat = Inventory.heartbeat

    def noted(self: Inventory, claim_token: str, lease_seconds: Any) -> None:
        prolonged.append(lease_seconds)
        heartbeat(self, claim_token, lease_seconds)

    monkeypatch.setattr(Inventory, "heartbeat", noted)
    policy = RetryPolicy(max_retries=1, delay=0.5, jitter=Jitter.PLUS_MINUS)
    assert run_of(raising(ValueError("told to"), None), url, claimed(url), retry_policy=policy).success
    assert prolonged == [3601]


def test_a_run_that_is_terminated_gives_its_batch_back(url: str) -> None:
    assert not run_of(raising(KeyboardInterrupt()), url, claimed(url)).success
    with Inventory(url) as inventory:
        assert inventory.jobs()[0].waiting == 1
        again = inventory.acquire(REQUEST)
        assert again
        assert again.attempt == 2
        again.succeed()


def failure_of(ran: Any) -> str:
    (failed,) = ran.filter_events(lambda event: event.is_step_failure)
    return str(failed.step_failure_data.error) + str(failed.step_failure_data.error.cause)


def test_a_run_cannot_be_started_again(url: str) -> None:
    for way in (None, ValueError("told to")):
        tags = claimed(url)
        run_of(raising(way), url, tags)
        before = attempts(url)
        # A policy does not try in vain.
        again = run_of(raising(None), url, tags, retry_policy=RetryPolicy(max_retries=3))
        assert not again.success
        assert "Do not start this one again" in failure_of(again)
        assert attempts(url) == before


def test_a_batch_is_worked_on_by_one_run_at_a_time(url: str) -> None:
    instance = DagsterInstance.ephemeral()
    tags = claimed(url)
    first = instance.create_run_for_job(nothing, tags=tags, status=DagsterRunStatus.STARTED)
    again = run_of(raising(None), url, tags, instance)
    assert f"the run {first.run_id} works on the same batch" in failure_of(again)
    assert statuses(url) == [(0, 1, "running")]
    instance.report_run_canceled(first)
    assert run_of(raising(None), url, tags, instance).success


def test_a_run_without_a_batch_is_refused(url: str) -> None:
    ran = run_of(raising(None), url, {}, retry_policy=RETRY)
    assert "the run has no tag 'batchintory/claim_token'" in failure_of(ran)


def test_an_asset_works_on_a_batch(url: str) -> None:
    @asset(retry_policy=RETRY)
    def counts(context: AssetExecutionContext, batchintory: BatchintoryResource) -> None:
        with batchintory.batch(context) as batch:
            if context.retry_number == 0:
                raise ValueError("told to fail")
            batch.succeed(len(batch.items))

    resources = {"batchintory": BatchintoryResource(url=url)}
    assert materialize([counts], resources=resources, tags=claimed(url)).success
    assert statuses(url) == [(0, 1, "succeeded")]


def test_a_test_may_call_the_op(url: str) -> None:
    @op
    def count(context: OpExecutionContext, batchintory: BatchintoryResource) -> int:
        with batchintory.batch(context) as batch:
            raise ValueError(f"told to fail with {len(batch.items)}")

    context = build_op_context(run_tags=claimed(url))
    with pytest.raises(ValueError, match="with 4"):
        count(context, BatchintoryResource(url=url))
    assert statuses(url) == [(0, 1, "failed")]


def test_the_lag_is_observed(url: str) -> None:
    definitions = Definitions(
        assets=[build_lag_observation(REQUEST)],
        jobs=[define_asset_job("look", "files")],
        resources={"batchintory": BatchintoryResource(url=url)},
    )

    def observed() -> tuple[dict[str, Any], str]:
        ran = definitions.resolve_job_def("look").execute_in_process()
        (event,) = ran.asset_observations_for_node("files")
        assert event.asset_key == AssetKey("files")
        return {name: value.value for name, value in event.metadata.items()}, str(event.data_version)

    lag, version = observed()
    assert (lag["items_waiting"], lag["ranges_running"], version) == (FILES, 0, str(FILES - 1))
    tags = claimed(url)
    assert (observed()[0]["items_waiting"], observed()[0]["ranges_running"]) == (FILES - 4, 1)
    run_of(raising(ValueError("told to fail")), url, tags)
    lag, version = observed()
    assert (lag["items_waiting"], lag["ranges_running"], lag["ranges_waiting"]) == (FILES - 4, 0, 1)
    assert (lag["watermark"], lag["items_waiting_at_least"], version) == (3, False, str(FILES - 1))


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://me:{SECRET}@127.0.0.1:1/lake"
    monkeypatch.setenv("LAKE_URL", url)
    shown: list[str] = []

    @op
    def look(batchintory: BatchintoryResource) -> None:
        assert batchintory.url == url
        shown.extend([repr(batchintory), str(batchintory)])

    @job
    def looks() -> None:
        look()

    of_variable = BatchintoryResource(url=EnvVar("LAKE_URL"), meta_url=EnvVar("LAKE_URL"))
    assert looks.execute_in_process(resources={"batchintory": of_variable}).success
    given = BatchintoryResource(url=url, meta_url=url)
    shown.extend([repr(given), str(given)])
    failed = run_of(lambda _: None, url, {CLAIM_TOKEN: "none"})
    assert not failed.success
    shown.append(failure_of(failed))
    assert len(shown) == 5
    assert SECRET not in "".join(shown)


def test_a_daemon_and_a_run_are_killed(url: str, tmp_path: Path) -> None:
    with Daemon(tmp_path, url) as daemon, Inventory(url) as inventory:
        daemon.until((tmp_path / "claimed").exists)
        # Between the claims and their runs.
        daemon.kill()
        lost = attempts(url)
        assert [attempt.status for attempt in lost] == ["running"] * 10
        assert daemon.runs() == []
        daemon.start()
        over: set[str] = set()

        def is_done() -> bool:
            """Lets the lease of killed runs be over, which would take an hour."""
            for run in daemon.runs(DagsterRunStatus.FAILURE):
                token = run.tags[CLAIM_TOKEN]
                if token not in over:
                    with suppress(Superseded):
                        inventory.heartbeat(token, 1)
                    over.add(token)
            return inventory.jobs()[0].items == FILES

        daemon.until(is_done)
        batches = [int(run.tags["batchintory/batch_id"]) for run in daemon.runs()]
    assert counted_once(url) == sum(uid % 7 + 1 for uid in range(FILES))
    # What the tick had claimed that was lost, too.
    assert sorted(batches) == sorted(attempt.id for attempt in attempts(url))
    assert {attempt.id for attempt in lost} < set(batches)
    assert (tmp_path / "killed").exists()
    assert {(20, 1, "failed"), (20, 2, "succeeded"), (40, 1, "failed"), (40, 2, "succeeded")} <= set(statuses(url))
    # Each run is a process, and two were there at once.
    assert len(list(tmp_path.glob("worker-*"))) >= FILES // 4
