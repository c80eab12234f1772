"""The functions of pybatchintory, by their original names and parameters, with what batchintory adds to them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from typing_extensions import Unpack

from batchintory.batch import Batch
from batchintory.errors import InvalidRequest, SettingsError
from batchintory.inventory import Inventory
from batchintory.records import (
    AcquireRequest,
    Condition,
    ItemEncoding,
    MetaColumns,
    Migration,
    Nothing,
    OnChange,
    Settle,
)

if TYPE_CHECKING:
    from batchintory.settings import Settings

_lock = threading.RLock()
_settings: Settings | None = None
_inventory: Inventory | None = None


class Options(TypedDict, total=False):
    """What pybatchintory did not have; see :class:`batchintory.AcquireRequest`."""

    source_job: str | None
    filter: Condition | None
    hold: Condition | None
    settle: Settle
    max_attempts: int
    retry_delay_seconds: int | timedelta | None
    lease_seconds: int | timedelta | None
    on_change: OnChange
    item_encoding: ItemEncoding


def configure(dot_env: str | os.PathLike[str] | None = None, settings: Mapping[str, Any] | None = None) -> None:
    """Sets connections and names for the whole program. Without it, or without arguments, they come from the
    environment.

    First come the settings, then environment variables of these names with ``BATCHINTORY_`` or ``PYBATCHINTORY_``
    before them, then those in the dot-env file.

    :param dot_env: the file, or else that which ``BATCHINTORY_ENV_FILE`` names.
    :param settings: ``INVENTORY_CONN``, ``INVENTORY_CONN_SCHEMA``, ``INVENTORY_TABLE_NAME``,
        ``INVENTORY_STATUS_ENUMS``, ``META_CONN``, ``META_CONN_SCHEMA``, ``META_NAME``, ``DEBUG``. Connections are
        URLs, paths of SQLite files, or engines or connections of SQLAlchemy. ``INVENTORY_STATUS_ENUMS`` is a list
        with the words ``running``, ``succeeded`` and ``failed``, in any order as in pybatchintory, or has other
        words for them by name: ``{"running": "runs", …}``.

    >>> configure(settings={"INVENTORY_CONN": "sqlite:lake.sqlite"})
    """
    from batchintory import settings as from_outside

    global _settings, _inventory
    with _lock:
        _settings = from_outside.load(dot_env, settings)
        _inventory = None
        if _settings.debug:
            logging.getLogger("batchintory").setLevel(logging.DEBUG)


def inventory() -> Inventory:
    """The inventory that is configured, opened when it is asked for.

    >>> configure(settings={"INVENTORY_CONN": "sqlite:lake.sqlite"})
    >>> batchintory.inventory()
    <Inventory 'inventory' in sqlite>
    """
    global _inventory
    with _lock:
        if _settings is None:
            configure()
        assert _settings is not None
        if _inventory is None:
            if _settings.inventory_conn is None:
                raise SettingsError(
                    "the inventory's database is not set; call configure(settings={'INVENTORY_CONN': …}) or "
                    "set the environment variable BATCHINTORY_INVENTORY_CONN, as in sqlite:lake.sqlite or "
                    "postgresql://user:password@host/database"
                )
            _inventory = Inventory(
                _settings.inventory_conn,
                _settings.meta_conn,
                meta_schema=_settings.meta_conn_schema,
                meta_name=_settings.meta_name,
                inventory_table=_settings.inventory_table,
                status_labels=_settings.inventory_status_enums,
            )
        return _inventory


def migrate() -> Migration:
    """Makes the inventory table where it is missing, or upgrades one of pybatchintory.

    >>> configure(settings={"INVENTORY_CONN": "sqlite:lake.sqlite"})
    >>> migrate()
    Migration(created=False, upgraded=False)
    """
    return inventory().migrate()


def acquire_batch(
    job: str,
    meta_table_name: str,
    meta_table_cols: Mapping[str, str | None] | None = None,
    job_identifier: str | None = None,
    batch_id_min: int | None = None,
    batch_id_max: int | None = None,
    batch_weight: float | None = None,
    batch_count: int | None = None,
    **options: Unpack[Options],
) -> Batch | None:
    """Hands out the next batch of a job, or ``None`` where nothing is left.

    :param job: its name.
    :param meta_table_name: as ``table`` or ``schema.table``.
    :param meta_table_cols: its columns ``uid``, ``item`` and ``weight`` by these names, where they have others.
    :param job_identifier: tells runs of one job apart; only kept.
    :param batch_id_min: the lowest id to hand out.
    :param batch_id_max: the highest id to hand out.
    :param batch_weight: the most that a batch may weigh.
    :param batch_count: the most items in a batch.
    :param options: what pybatchintory did not have; see :class:`batchintory.AcquireRequest`.

    >>> configure(settings={"INVENTORY_CONN": "sqlite:lake.sqlite"})
    >>> acquire_batch("words", "files", batch_count=5).process(len)
    5
    """
    request = _request(
        job,
        meta_table_name,
        meta_table_cols,
        job_identifier,
        batch_id_min,
        batch_id_max,
        batch_weight,
        batch_count,
        options,
    )
    batch = inventory().acquire(request)
    return None if isinstance(batch, Nothing) else batch


def acquire_batches(
    job: str,
    meta_table_name: str,
    meta_table_cols: Mapping[str, str | None] | None = None,
    job_identifier: str | None = None,
    batch_id_min: int | None = None,
    batch_id_max: int | None = None,
    batch_weight: float | None = None,
    batch_count: int | None = None,
    iterations: int | None = None,
    progress: bool = False,
    **options: Unpack[Options],
) -> Iterator[Batch]:
    """One batch after the other, each claimed when it is asked for, until nothing is left.

    :param job: its name.
    :param meta_table_name: as ``table`` or ``schema.table``.
    :param meta_table_cols: its columns ``uid``, ``item`` and ``weight`` by these names, where they have others.
    :param job_identifier: tells runs of one job apart; only kept.
    :param batch_id_min: the lowest id to hand out.
    :param batch_id_max: the highest id to hand out.
    :param batch_weight: the most that a batch may weigh.
    :param batch_count: the most items in a batch.
    :param iterations: the most batches.
    :param progress: a bar shows how far the job is, where tqdm is installed.
    :param options: what pybatchintory did not have; see :class:`batchintory.AcquireRequest`.

    >>> configure(settings={"INVENTORY_CONN": "sqlite:lake.sqlite"})
    >>> [batch.process(len) for batch in acquire_batches("words", "files", batch_count=40)]
    [40, 40, 20]
    """
    request = _request(
        job,
        meta_table_name,
        meta_table_cols,
        job_identifier,
        batch_id_min,
        batch_id_max,
        batch_weight,
        batch_count,
        options,
    )
    return inventory().batches(request, iterations, progress=progress)


def _request(
    job: str,
    meta_table_name: str,
    meta_table_cols: Mapping[str, str | None] | None,
    job_identifier: str | None,
    batch_id_min: int | None,
    batch_id_max: int | None,
    batch_weight: float | None,
    batch_count: int | None,
    options: Options,
) -> AcquireRequest:
    columns = dict(meta_table_cols or {})
    unknown = sorted(set(columns) - {"uid", "item", "weight"})
    if unknown:
        raise InvalidRequest(f"meta_table_cols has {unknown[0]!r}; known are 'uid', 'item' and 'weight'")
    return AcquireRequest(
        meta_table=meta_table_name,
        job=job,
        job_identifier=job_identifier,
        columns=MetaColumns(**columns),  # type: ignore[arg-type]
        id_min=batch_id_min,
        id_max=batch_id_max,
        max_weight=batch_weight,
        max_count=batch_count,
        **options,
    )


def _after_fork() -> None:
    # Another thread may have held it.
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
