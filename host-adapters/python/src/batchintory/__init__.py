"""Hands the items of a meta table out in batches, exactly once per job, and keeps an inventory of every attempt.

:class:`Inventory` has every operation; :func:`acquire_batch` and its relatives are the same for programs that
are configured by their environment, as with pybatchintory.
"""

from __future__ import annotations

from batchintory.batch import Batch
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
    PlannerError,
    ResultError,
    SettingsError,
    Superseded,
    TransactionError,
    Trap,
    Unavailable,
)
from batchintory.inventory import Inventory, Processed
from batchintory.original import acquire_batch, acquire_batches, configure, inventory, migrate
from batchintory.planner.limits import Limits
from batchintory.records import (
    AcquireRequest,
    Attempt,
    AuditPage,
    BatchPlan,
    Condition,
    Difference,
    HistoryQuery,
    IdRange,
    Item,
    JobProgress,
    JobSummary,
    MetaColumns,
    Migration,
    Nothing,
    Outcome,
    PlannedBatch,
    StatusLabels,
    to_json,
)

__version__ = "0.1.0"

__all__ = [
    "AcquireRequest",
    "Attempt",
    "AuditPage",
    "Batch",
    "BatchPlan",
    "BatchReleased",
    "BatchintoryError",
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
    "JobSummary",
    "LimitReached",
    "Limits",
    "MetaColumns",
    "Migration",
    "NoSuchBatch",
    "NoSuchColumn",
    "NoSuchTable",
    "Nothing",
    "Outcome",
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
