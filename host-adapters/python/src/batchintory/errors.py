"""Why a call failed: an exception for each error of the interface, and for those of this host."""

from __future__ import annotations

import pickle
from typing import NamedTuple

__all__ = [
    "BatchintoryError",
    "BatchReleased",
    "ComponentError",
    "ConfigurationChanged",
    "ConnectError",
    "DatabaseRefused",
    "ExhaustedRetries",
    "ForkError",
    "InvalidRequest",
    "LeaseOver",
    "LimitReached",
    "NoSuchBatch",
    "NoSuchColumn",
    "NoSuchTable",
    "PickleError",
    "PlannerError",
    "ResultError",
    "SettingsError",
    "Superseded",
    "TransactionError",
    "Trap",
    "Unavailable",
]


class BatchintoryError(Exception):
    """What all errors of this package have in common.

    >>> try:
    ...     inventory.acquire(AcquireRequest("fils", "count", max_count=10))
    ... except BatchintoryError as error:
    ...     print(error.name)
    no-such-table
    """

    #: The error's name, for programs; the same in every host.
    name = "batchintory"


class PlannerError(BatchintoryError):
    """The planner refused the call, or its database did. Beside the sentence it tells what it is about, as far as
    that applies.

    >>> try:
    ...     inventory.acquire(AcquireRequest("files", "count", max_count=0))
    ... except PlannerError as error:
    ...     print(error.name, error.field)
    invalid-request max-count
    """

    #: The member of the request, or the argument, that is not allowed, as the interface spells it: ``max-count``.
    field: str | None = None
    #: The most that is allowed there.
    limit: int | None = None
    #: The table that is meant.
    table: str | None = None
    #: Its column, where it is known which.
    column: str | None = None
    #: The id of the row that is not as it must be.
    uid: int | None = None
    #: The database that did not do what was asked: ``inventory`` or ``meta``.
    database: str | None = None
    #: Its own code: an SQLSTATE, SQLite's result code, MySQL's error number.
    database_code: str | None = None

    def __init__(self, told: str | Explanation = "") -> None:
        if isinstance(told, str):
            super().__init__(told)
            return
        super().__init__(told.message)
        for name in told._fields[1:]:
            setattr(self, name, getattr(told, name))


class Explanation(NamedTuple):
    """What is known of an error: see ``wit/inventory.wit``."""

    message: str
    field: str | None
    limit: int | None
    table: str | None
    column: str | None
    uid: int | None
    database: str | None
    database_code: str | None


class InvalidRequest(PlannerError):
    """The request contradicts itself or has a value that is not allowed.

    >>> inventory.acquire(AcquireRequest("files", "count", max_count=0))
    Traceback (most recent call last):
    batchintory.errors.InvalidRequest: ...
    """

    name = "invalid-request"


class NoSuchTable(PlannerError):
    """The meta table or the inventory does not exist. For the inventory: ``migrate``.

    >>> inventory.plan(AcquireRequest("fils", "count", max_count=10))
    Traceback (most recent call last):
    batchintory.errors.NoSuchTable: ...
    """

    name = "no-such-table"


class NoSuchColumn(PlannerError):
    """A column of the request does not exist in the meta table, or the inventory lacks one.

    >>> inventory.plan(AcquireRequest("files", "count", columns=MetaColumns("id"), max_count=10))
    Traceback (most recent call last):
    batchintory.errors.NoSuchColumn: ...
    """

    name = "no-such-column"


class NoSuchBatch(PlannerError):
    """No batch has this claim token.

    >>> inventory.batch("no token")
    Traceback (most recent call last):
    batchintory.errors.NoSuchBatch: ...
    """

    name = "no-such-batch"


class Superseded(PlannerError):
    """The batch has ended in another way already, or was taken from its owner; nothing was changed.

    >>> batch.succeed()
    >>> inventory.complete(batch.claim_token, Outcome(False))
    Traceback (most recent call last):
    batchintory.errors.Superseded: ...
    """

    name = "superseded"


class ConfigurationChanged(PlannerError):
    """The job's configuration differs from that of its latest range; nothing was handed out.

    >>> later = {"column": "item", "op": "like", "value": "file-%"}
    >>> inventory.acquire(AcquireRequest("files", "count", max_count=10, filter=later))
    Traceback (most recent call last):
    batchintory.errors.ConfigurationChanged: ...
    """

    name = "configuration-changed"


class ExhaustedRetries(PlannerError):
    """Other workers won every time, more often than can be bad luck. Call again later.

    >>> try:
    ...     acquired = inventory.acquire(request)
    ... except ExhaustedRetries:
    ...     acquired = None  # for now
    """

    name = "exhausted-retries"


class Unavailable(PlannerError):
    """The database cannot be reached, or went away. Call again later.

    >>> try:
    ...     acquired = inventory.acquire(request)
    ... except Unavailable as error:
    ...     print("the database", error.database, "is away")
    """

    name = "unavailable"


class DatabaseRefused(PlannerError):
    """The database refused a statement for another reason.

    >>> try:
    ...     acquired = inventory.acquire(request)
    ... except DatabaseRefused as error:
    ...     print(error.database, "refused it with", error.database_code)
    """

    name = "database"


class ConnectError(BatchintoryError):
    """A database cannot be opened. Of a URL only what is certainly no secret is shown.

    >>> Inventory("oracle://me:secret@host/lake")
    Traceback (most recent call last):
    batchintory.errors.ConnectError: ...
    """

    name = "connect"


class ComponentError(BatchintoryError):
    """The planner component is missing, or is none.

    >>> try:
    ...     inventory.jobs()
    ... except ComponentError as error:
    ...     print("install batchintory again:", error)
    [...]
    """

    name = "component"


class LimitReached(BatchintoryError):
    """The planner needed more memory or computing time than it may have; see ``Limits``.

    >>> Inventory("sqlite:lake.sqlite", limits=Limits(memory_bytes=1 << 20)).jobs()
    Traceback (most recent call last):
    batchintory.errors.LimitReached: ...
    """

    name = "limit-reached"


class LeaseOver(BatchintoryError):
    """No sign of life got through for as long as the batch's lease, by the owner's own clock: somebody else may
    have the batch.

    >>> try:
    ...     batch.succeed()
    ... except LeaseOver:
    ...     print("somebody else may have it")
    """

    name = "lease-over"


class PickleError(BatchintoryError, pickle.PicklingError):
    """What is to be sent to another process belongs to this one alone.

    >>> import pickle
    >>> pickle.dumps(Inventory("sqlite::memory:"))
    Traceback (most recent call last):
    batchintory.errors.PickleError: ...
    """

    name = "pickle"


class Trap(BatchintoryError):
    """The planner component broke down; this is a bug in it.

    >>> try:
    ...     acquired = inventory.acquire(request)
    ... except Trap as error:
    ...     print("to be reported:", error)
    """

    name = "trap"


class ResultError(BatchintoryError):
    """A batch's result cannot be written as JSON.

    >>> batch.succeed(number for number in range(3))
    Traceback (most recent call last):
    batchintory.errors.ResultError: ...
    """

    name = "result"


class SettingsError(BatchintoryError, ValueError):
    """A setting is missing, unknown or wrong.

    >>> configure(settings={"INVENTRY_CONN": "sqlite:lake.sqlite"})
    Traceback (most recent call last):
    batchintory.errors.SettingsError: ...
    """

    name = "settings"


class BatchReleased(BatchintoryError, ValueError):
    """The batch has succeeded or failed already.

    >>> batch.succeed()
    >>> batch.fail("too late")
    Traceback (most recent call last):
    batchintory.errors.BatchReleased: the batch of ids 1 to 10 has succeeded already
    """

    name = "released"


class ForkError(BatchintoryError):
    """A connection of the parent process cannot be used in a forked one.

    >>> try:
    ...     acquired = inventory.acquire(request)
    ... except ForkError:
    ...     print("open another inventory here")
    """

    name = "fork"


class TransactionError(BatchintoryError):
    """A connection is in a state in which the call would not do what it promises.

    >>> from sqlalchemy import create_engine
    >>> with create_engine("sqlite:///lake.sqlite", isolation_level="AUTOCOMMIT").connect() as connection:
    ...     batch.succeed(connection=connection)
    Traceback (most recent call last):
    batchintory.errors.TransactionError: ...
    """

    name = "transaction"


#: In the order of the variant ``error`` in ``wit/inventory.wit``.
PLANNER_ERRORS: tuple[type[PlannerError], ...] = (
    InvalidRequest,
    NoSuchTable,
    NoSuchColumn,
    NoSuchBatch,
    Superseded,
    ConfigurationChanged,
    ExhaustedRetries,
    Unavailable,
    DatabaseRefused,
)

_BY_NAME = {error.name: error for error in PLANNER_ERRORS}


def planner_error(told: tuple[str, Explanation]) -> PlannerError:
    """The exception for an error as the component gives it: its name, and what is known of it."""
    name, explanation = told
    return _BY_NAME[name](explanation)
