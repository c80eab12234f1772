"""The types and functions of ``wit/``: the one place that says how records cross the boundary.

A test holds them against what the component says of itself.
"""

from __future__ import annotations

import struct
from typing import Any

from batchintory import json_text, records
from batchintory.errors import PLANNER_ERRORS, Explanation, InvalidRequest
from batchintory.planner.canonical_abi import (
    BOOL,
    CANNOT_BE_SENT,
    F64,
    S64,
    SECONDS,
    TEXT,
    U32,
    U64,
    Enum,
    List,
    Memory,
    Named,
    Option,
    Record,
    SqlRows,
    SqlValue,
    Text,
    Type,
    Variant,
)
from batchintory.statements import DatabaseError, Rows, Settings


class Json(Text):
    """A JSON document: text there, Python's values here."""

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        return json_text.parse(super().load(memory, data, at))

    def encoded(self, value: Any) -> bytes:
        return super().encoded(value if isinstance(value, json_text.JsonText) else json_text.write(value))


JSON = Option(Json())
OPTIONAL_ID = Option(S64)
OPTIONAL_TEXT = Option(TEXT)

DIALECT = Enum("postgresql", "sqlite", "mysql")
STATUS_LABELS = Record(records.StatusLabels, {"running": TEXT, "succeeded": TEXT, "failed": TEXT})


SETTINGS = Record(
    Settings,
    {
        "inventory_dialect": DIALECT,
        "meta_dialect": DIALECT,
        "inventory_table": TEXT,
        "meta_schema": OPTIONAL_TEXT,
        "meta_name": OPTIONAL_TEXT,
        "one_database": BOOL,
        "may_repeat": BOOL,
        "status_labels": STATUS_LABELS,
    },
)


REFUSAL = Record(DatabaseError, {"code": TEXT, "message": TEXT})
PARAMETERS = List(SqlValue())
QUERY_RESULT = Variant(
    {
        "ok": Record(Rows, {"rows": SqlRows(), "affected": U64}),
        "err": Variant(
            {
                "unavailable": TEXT,
                "outcome-unknown": TEXT,
                "refused": REFUSAL,
            }
        ),
    }
)

META_COLUMNS = Record(records.MetaColumns, {"uid": TEXT, "item": TEXT, "weight": OPTIONAL_TEXT})
ACQUIRE_REQUEST = Record(
    records.AcquireRequest,
    {
        "meta_table": TEXT,
        "job": TEXT,
        "job_identifier": OPTIONAL_TEXT,
        "source_job": OPTIONAL_TEXT,
        "columns": META_COLUMNS,
        "id_min": OPTIONAL_ID,
        "id_max": OPTIONAL_ID,
        "max_weight": Option(F64),
        "max_count": Option(U64),
        "filter": JSON,
        "hold": JSON,
        "settle": Enum("none", "commit-order"),
        "max_attempts": U32,
        "retry_delay_seconds": Option(SECONDS),
        "lease_seconds": Option(SECONDS),
        "on_change": Enum("refuse", "accept"),
        "item_encoding": Enum("text", "base64", "hex"),
    },
)
QUEUE = Option(Enum("running", "retry", "requeued", "exhausted"))
BATCH = Record(
    records.BatchRecord,
    {
        "id": S64,
        "claim_token": TEXT,
        "meta_table": TEXT,
        "job": TEXT,
        "job_identifier": OPTIONAL_TEXT,
        "attempt": U32,
        "id_start": S64,
        "id_end": S64,
        "count": U64,
        "weight": F64,
        "oversized": BOOL,
        "over_limit": BOOL,
        "passed_over_from": OPTIONAL_ID,
        "processing_start": TEXT,
    },
)
RUNNING_BATCH = Record(
    records.RunningBatch,
    {"batch": BATCH, "lease": Option(Record(records.LeaseRecord, {"seconds": U32, "left": U32}))},
)
ACQUISITION = Variant(
    {
        "batch": BATCH,
        "nothing": Record(
            records.Nothing,
            {
                "reason": Enum("caught-up", "bounds-done", "held"),
                "watermark": OPTIONAL_ID,
                "scanned_to": OPTIONAL_ID,
                "held": OPTIONAL_ID,
                "due_in_seconds": Option(U32),
            },
        ),
    }
)
ITEM = Record(records.Item, {"uid": S64, "item": OPTIONAL_TEXT, "weight": F64})


PAGE_STATEMENT = Record(
    records.PageStatement,
    {"on": Enum("inventory", "meta"), "statement": TEXT, "parameters": PARAMETERS, "after": S64},
)


class Items(List):
    """Items, of which there are many: each is unpacked at once."""

    _unpack = struct.Struct("<qB3xII4xd").iter_unpack

    def load_elements(self, memory: Memory, address: int, length: int) -> list[Any]:
        read = memory.read
        return [
            records.Item(uid, (str(read(place, size), "utf-8") if size else "") if is_some else None, weight)
            for uid, is_some, place, size, weight in self._unpack(read(address, length * ITEM.size))
        ]


OUTCOME = Record(records.Outcome, {"succeeded": BOOL, "result_item": JSON, "log": OPTIONAL_TEXT})
PLANNED_BATCH = Record(
    records.PlannedBatch,
    {"id_start": S64, "id_end": S64, "count": U64, "weight": F64, "oversized": BOOL},
)
BATCH_PLAN = Record(
    records.BatchPlan,
    {"batches": List(PLANNED_BATCH), "complete": BOOL, "held": OPTIONAL_ID},
)
JOB_PROGRESS = Record(
    records.JobProgress,
    {
        "watermark": OPTIONAL_ID,
        "items": U64,
        "weight": F64,
        "at_least": BOOL,
        "estimated_items": Option(U64),
        "last_id": OPTIONAL_ID,
        "watermark_above_table": BOOL,
        "other_meta_database": BOOL,
        "items_per_hour": Option(F64),
        "weight_per_hour": Option(F64),
        "seconds_left": Option(U64),
    },
)
JOB_SUMMARY = Record(
    records.JobSummary,
    {
        "meta_table": TEXT,
        "job": TEXT,
        "watermark": S64,
        "running": U64,
        "succeeded": U64,
        "failed": U64,
        "waiting": U64,
        "exhausted": U64,
        "items": U64,
        "weight": F64,
        "latest_start": TEXT,
        "request": Option(ACQUIRE_REQUEST),
    },
)
JOBS_QUERY = Record(
    records.JobsQuery,
    {
        "meta_table": OPTIONAL_TEXT,
        "job": OPTIONAL_TEXT,
        "search": OPTIONAL_TEXT,
        "after": Option(Record(records.JobPlace, {"meta_table": TEXT, "job": TEXT})),
        "limit": U32,
    },
)
HISTORY_QUERY = Record(
    records.HistoryQuery,
    {
        "meta_table": OPTIONAL_TEXT,
        "job": OPTIONAL_TEXT,
        "uid": OPTIONAL_ID,
        "queue": QUEUE,
        "before": OPTIONAL_ID,
        "limit": U32,
        "details": BOOL,
        "claim_tokens": BOOL,
    },
)
ATTEMPT = Record(
    records.Attempt,
    {
        "id": S64,
        "meta_table": TEXT,
        "job": TEXT,
        "job_identifier": OPTIONAL_TEXT,
        "attempt": U32,
        "status": TEXT,
        "id_start": S64,
        "id_end": S64,
        "count": U64,
        "weight": F64,
        "processing_start": TEXT,
        "processing_end": OPTIONAL_TEXT,
        "lease_expires": OPTIONAL_TEXT,
        "claim_token": OPTIONAL_TEXT,
        "result_item": JSON,
        "log": OPTIONAL_TEXT,
        "queue": QUEUE,
        "passed_over": BOOL,
    },
)
ID_RANGE = Record(records.IdRange, {"id_start": S64, "id_end": S64})
REQUEUE_TARGET = Variant({"batch": S64, "ids": List(ID_RANGE), "exhausted": None})
DIFFERENCE = Record(
    records.Difference,
    {
        "batch_id": S64,
        "id_start": S64,
        "id_end": S64,
        "count": U64,
        "weight": F64,
        "count_now": U64,
        "weight_now": F64,
    },
)
AUDIT_PAGE = Record(
    records.AuditPage,
    {"ranges": U32, "audited_to": OPTIONAL_ID, "differences": List(DIFFERENCE)},
)
MIGRATION = Record(records.Migration, {"created": BOOL, "upgraded": BOOL})

ERROR = Record(
    lambda kind, *told: (kind, Explanation(*told)),
    {
        "kind": Enum(*(error.name for error in PLANNER_ERRORS)),
        "message": TEXT,
        "field": OPTIONAL_TEXT,
        "limit": Option(U64),
        "table": OPTIONAL_TEXT,
        "column": OPTIONAL_TEXT,
        "uid": OPTIONAL_ID,
        "database": Option(Enum("inventory", "meta")),
        "database_code": OPTIONAL_TEXT,
    },
)
COMPLETION = Record(records.Completion, {"claim_token": TEXT, "outcome": OUTCOME})
ACQUIRED = Record(records.Acquired, {"acquisition": ACQUISITION, "items": Items(ITEM)})
ADVANCED = Record(records.Advanced, {"next": Variant({"ok": ACQUIRED, "err": ERROR})})

#: The most parameters that a function takes as such; more are put into memory.
MAX_FLAT = 16


class Function:
    """A function of the interface ``inventory``."""

    def __init__(self, ok: Type | None, **parameters: Type) -> None:
        self.result = Variant({"ok": ok, "err": ERROR})
        self._parameters = parameters
        flat = tuple(part for kind in parameters.values() for part in kind.flat)
        self._spilled = (
            Record(tuple, {str(index): kind for index, kind in enumerate(parameters.values())})
            if len(flat) > MAX_FLAT
            else None
        )
        #: What its core function takes.
        self.flat = ("i32",) if self._spilled else flat

    def lower(self, memory: Memory, values: tuple[Any, ...]) -> list[Any]:
        """Arguments as parameters; wrong ones are an :class:`InvalidRequest`."""
        parts: list[Any] = []
        name = ""
        try:
            if self._spilled:
                return [self._spill(memory, values)]
            for value, name in zip(values, self._parameters, strict=True):
                parts += self._parameters[name].lower(memory, value)
        except CANNOT_BE_SENT as error:
            raise _cannot_be_sent(Named.of(name, error)) from error
        return parts

    def _spill(self, memory: Memory, values: tuple[Any, ...]) -> int:
        assert self._spilled is not None
        data = bytearray(self._spilled.size)
        places = (place for _, place, _ in self._spilled._fields)
        for value, (name, kind), place in zip(values, self._parameters.items(), places, strict=True):
            try:
                kind.store(memory, data, place, value)
            except CANNOT_BE_SENT as error:
                raise _cannot_be_sent(Named.of(name, error)) from error
        return memory.write(data, self._spilled.alignment)


def _cannot_be_sent(error: Named) -> InvalidRequest:
    """Tells which argument, or which member of it, cannot be sent, and why."""
    # A request's members are known by their own names.
    named = error.field.removeprefix("request.")
    refused = InvalidRequest(f"the argument {named} cannot be sent to the planner: {error.why}")
    refused.field = named.replace("_", "-")
    return refused


_SCOPE = {"meta_table": TEXT, "job": TEXT}

FUNCTIONS = {
    "acquire": Function(ACQUISITION, request=ACQUIRE_REQUEST, claim_token=OPTIONAL_TEXT),
    "advance": Function(
        ADVANCED, done=Option(COMPLETION), request=ACQUIRE_REQUEST, claim_token=OPTIONAL_TEXT, items=U32
    ),
    "acquire-many": Function(List(BATCH), request=ACQUIRE_REQUEST, batches=U32, claim_token=OPTIONAL_TEXT),
    "batch": Function(RUNNING_BATCH, claim_token=TEXT),
    "items": Function(Items(ITEM), claim_token=TEXT, after=OPTIONAL_ID, limit=U32),
    "items-statement": Function(Option(PAGE_STATEMENT), claim_token=TEXT),
    "heartbeat": Function(None, claim_token=TEXT, lease_seconds=SECONDS),
    "complete": Function(None, claim_token=TEXT, outcome=OUTCOME),
    "release": Function(None, claim_token=TEXT, log=OPTIONAL_TEXT),
    "plan": Function(BATCH_PLAN, request=ACQUIRE_REQUEST, after=OPTIONAL_ID, batches=U32),
    "progress": Function(JOB_PROGRESS, request=ACQUIRE_REQUEST, cap=U64),
    "warnings": Function(List(TEXT), request=ACQUIRE_REQUEST),
    "requeue": Function(U64, **_SCOPE, target=REQUEUE_TARGET),
    "audit": Function(AUDIT_PAGE, **_SCOPE, after=OPTIONAL_ID, limit=U32),
    "jobs": Function(List(JOB_SUMMARY), query=JOBS_QUERY),
    "history": Function(List(ATTEMPT), query=HISTORY_QUERY),
    "schema-statements": Function(List(TEXT), dialect=DIALECT),
    "notifications": Function(
        Option(Record(records.NotifyChannel, {"name": TEXT, "statements": List(TEXT)})), meta_table=TEXT
    ),
    "migrate": Function(MIGRATION),
}

#: What the names of the core module's functions begin with: those above, and those that free what they gave.
EXPORTS = "batchintory:inventory/inventory@0.1.0#"
POST = f"cabi_post_{EXPORTS}"

#: The function that makes room in the planner's memory.
REALLOC = "cabi_realloc"

#: The core module's functions, and what they take.
CORE_FUNCTIONS = {
    REALLOC: ("i32",) * 4,
    **{EXPORTS + name: function.flat for name, function in FUNCTIONS.items()},
    **{POST + name: ("i32",) for name in FUNCTIONS},
}
