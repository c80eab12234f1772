"""Hands the items of a meta table out in batches, exactly once per job, and keeps an inventory of every attempt.

:class:`Inventory` has every operation; :func:`acquire_batch` and its relatives are the same for programs that
are configured by their environment, as with pybatchintory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchintory.batch import Batch
from batchintory.batches import Processed
from batchintory.errors import (
    BatchintoryError,
    BatchReleased,
    ComponentError,
    ConfigurationChanged,
    ConnectError,
    DatabaseRefused,
    ExhaustedRetries,
    ForkError,
    InvalidRequest,
    LeaseOver,
    LimitReached,
    NoSuchBatch,
    NoSuchColumn,
    NoSuchTable,
    PickleError,
    PlannerError,
    ResultError,
    SettingsError,
    Superseded,
    TransactionError,
    Trap,
    Unavailable,
)
from batchintory.inventory import Inventory
from batchintory.original import acquire_batch, acquire_batches, configure, inventory, migrate
from batchintory.planner.limits import Limits
from batchintory.records import (
    AcquireRequest,
    Attempt,
    AuditPage,
    BatchPlan,
    Completion,
    Condition,
    Difference,
    HistoryQuery,
    IdRange,
    Item,
    JobPlace,
    JobProgress,
    JobsQuery,
    JobSummary,
    MetaColumns,
    Migration,
    Nothing,
    NotifyChannel,
    Outcome,
    PageStatement,
    PlannedBatch,
    StatusLabels,
    to_json,
)

if TYPE_CHECKING:
    from batchintory.asynchronous.async_batch import AsyncBatch
    from batchintory.asynchronous.async_inventory import AsyncInventory

__version__ = "0.1.0"

__all__ = [
    "AcquireRequest",
    "AsyncBatch",
    "AsyncInventory",
    "Attempt",
    "AuditPage",
    "Batch",
    "BatchPlan",
    "BatchReleased",
    "BatchintoryError",
    "Completion",
    "ComponentError",
    "Condition",
    "ConfigurationChanged",
    "ConnectError",
    "DatabaseRefused",
    "Difference",
    "ExhaustedRetries",
    "ForkError",
    "HistoryQuery",
    "IdRange",
    "InvalidRequest",
    "LeaseOver",
    "Inventory",
    "Item",
    "JobProgress",
    "JobPlace",
    "JobSummary",
    "JobsQuery",
    "LimitReached",
    "Limits",
    "MetaColumns",
    "Migration",
    "NoSuchBatch",
    "NoSuchColumn",
    "NoSuchTable",
    "Nothing",
    "NotifyChannel",
    "Outcome",
    "PageStatement",
    "PickleError",
    "PlannedBatch",
    "PlannerError",
    "Processed",
    "ResultError",
    "SettingsError",
    "StatusLabels",
    "Superseded",
    "TransactionError",
    "Trap",
    "Unavailable",
    "acquire_batch",
    "acquire_batches",
    "configure",
    "inventory",
    "migrate",
    "to_json",
]

#: These need SQLAlchemy with asyncio, which takes a while to import: it is done where they are asked for.
_ASYNCHRONOUS = {"AsyncBatch": "async_batch", "AsyncInventory": "async_inventory"}


def __getattr__(name: str) -> Any:
    if name not in _ASYNCHRONOUS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"batchintory.asynchronous.{_ASYNCHRONOUS[name]}"), name)
