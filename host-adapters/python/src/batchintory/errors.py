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
    """What all errors of this package have in common."""

    #: The error's name, for programs; the same in every host.
    name = "batchintory"


class PlannerError(BatchintoryError):
    """The planner refused the call, or its database did. Beside the sentence it tells what it is about, as far as
    that applies."""

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
    """The request contradicts itself or has a value that is not allowed."""

    name = "invalid-request"


class NoSuchTable(PlannerError):
    """The meta table or the inventory does not exist. For the inventory: ``migrate``."""

    name = "no-such-table"


class NoSuchColumn(PlannerError):
    """A column of the request does not exist in the meta table, or the inventory lacks one."""

    name = "no-such-column"


class NoSuchBatch(PlannerError):
    """No batch has this claim token."""

    name = "no-such-batch"


class Superseded(PlannerError):
    """The batch has ended in another way already, or was taken from its owner; nothing was changed."""

    name = "superseded"


class ConfigurationChanged(PlannerError):
    """The job's configuration differs from that of its latest range; nothing was handed out."""

    name = "configuration-changed"


class ExhaustedRetries(PlannerError):
    """Other workers won every time, more often than can be bad luck. Call again later."""

    name = "exhausted-retries"


class Unavailable(PlannerError):
    """The database cannot be reached, or went away. Call again later."""

    name = "unavailable"


class DatabaseRefused(PlannerError):
    """The database refused a statement for another reason."""

    name = "database"


class ConnectError(BatchintoryError):
    """A database cannot be opened. Of a URL only what is certainly no secret is shown."""

    name = "connect"


class ComponentError(BatchintoryError):
    """The planner component is missing, or is none."""

    name = "component"


class LimitReached(BatchintoryError):
    """The planner needed more memory or computing time than it may have; see ``Limits``."""

    name = "limit-reached"


class LeaseOver(BatchintoryError):
    """No sign of life got through for as long as the batch's lease, by the owner's own clock: somebody else may
    have the batch."""

    name = "lease-over"


class PickleError(BatchintoryError, pickle.PicklingError):
    """What is to be sent to another process belongs to this one alone."""

    name = "pickle"


class Trap(BatchintoryError):
    """The planner component broke down; this is a bug in it."""

    name = "trap"


class ResultError(BatchintoryError):
    """A batch's result cannot be written as JSON."""

    name = "result"


class SettingsError(BatchintoryError, ValueError):
    """A setting is missing, unknown or wrong."""

    name = "settings"


class BatchReleased(BatchintoryError, ValueError):
    """The batch has succeeded or failed already."""

    name = "released"


class ForkError(BatchintoryError):
    """A connection of the parent process cannot be used in a forked one."""

    name = "fork"


class TransactionError(BatchintoryError):
    """A connection is in a state in which the call would not do what it promises."""

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
