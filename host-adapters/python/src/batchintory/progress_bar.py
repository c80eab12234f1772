"""A bar that shows how far a job is, where tqdm is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchintory.batch import Batch
    from batchintory.records import JobProgress


def shown(batches: Iterator[Batch], job: str, left: JobProgress) -> Iterator[Batch]:
    """Hands batches on, and moves the bar by each that is done."""
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError:
        yield from batches
        return
    total = left.estimated_items if left.at_least else left.items
    done = failed = 0
    with tqdm(total=total, desc=job, unit=" items", unit_scale=True, dynamic_ncols=True) as bar:
        for batch in batches:
            bar.set_postfix(ids=f"{batch.id_range.id_min}-{batch.id_range.id_max}", done=done, failed=failed)
            yield batch
            done += batch.success is True
            failed += batch.success is False
            bar.set_postfix(batches=done, failed=failed)
            bar.update(batch.id_range.count)
