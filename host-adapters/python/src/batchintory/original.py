"""The functions of pybatchintory, by their original names and parameters, with what batchintory adds to them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from batchintory.errors import InvalidRequest, SettingsError
from batchintory.records import AcquireRequest, MetaColumns, Nothing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from batchintory.batch import Batch
    from batchintory.inventory import Inventory
    from batchintory.records import Condition, ItemEncoding, Migration, OnChange, Settle
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
    retry_delay_seconds: int | None
    lease_seconds: int | None
    on_change: OnChange
    item_encoding: ItemEncoding


def configure(dot_env: str | os.PathLike[str] | None = None, settings: Mapping[str, Any] | None = None) -> None:
    """Sets connections and names for the whole program. Without it, or without arguments, they come from the
    environment.

    First come ``settings`` (``INVENTORY_CONN``, ``INVENTORY_CONN_SCHEMA``, ``INVENTORY_TABLE_NAME``,
    ``INVENTORY_STATUS_ENUMS``, ``META_CONN``, ``META_CONN_SCHEMA``, ``META_NAME``, ``DEBUG``), then environment
    variables of these names with ``BATCHINTORY_`` or ``PYBATCHINTORY_`` before them, then those in the dot-env
    file: the given one, or that which ``BATCHINTORY_ENV_FILE`` names. Connections are URLs, or engines or
    connections of SQLAlchemy. ``INVENTORY_STATUS_ENUMS`` is a list with the words ``running``, ``succeeded`` and
    ``failed``, in any order as in pybatchintory, or has other words for them by name: ``{"running": "runs", …}``.
    """
    from batchintory import settings as from_outside

    global _settings, _inventory
    with _lock:
        _settings = from_outside.load(dot_env, settings)
        _inventory = None
        if _settings.debug:
            logging.getLogger("batchintory").setLevel(logging.DEBUG)


def inventory() -> Inventory:
    """The inventory that is configured, opened when it is asked for."""
    from batchintory.inventory import Inventory

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
    """Makes the inventory table where it is missing, or upgrades one of pybatchintory."""
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
    """Hands out the next batch of a job, or ``None`` where nothing is left."""
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
    """One batch after the other, each claimed when it is asked for, until nothing is left or ``iterations`` of
    them were handed out. With ``progress`` a bar shows how far the job is, where tqdm is installed."""
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
