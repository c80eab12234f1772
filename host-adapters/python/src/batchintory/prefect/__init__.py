"""Prefect: a flow claims batches, and a task that is mapped over them works on each.

- :class:`BatchintoryBlock` keeps where the inventory is, and opens it.
- :func:`acquire_batches` is a task that claims batches, and gives their claim tokens.
- :func:`batch_task` makes a task of a function that works on a batch, which ends as the task ends.
"""

from batchintory.prefect.acquire import acquire_batches
from batchintory.prefect.block import BatchintoryBlock
from batchintory.prefect.task import batch_task

__all__ = ["BatchintoryBlock", "acquire_batches", "batch_task"]
