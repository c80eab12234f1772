"""The data source ``batchintory``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from batchintory.spark.options import Options
from batchintory.spark.rows import SCHEMA, BatchPartition, Row, rows_of
from batchintory.spark.stream import BatchStreamReader


class BatchintorySource(DataSource):
    """Batches as a stream, or one batch: a row for each item, with ``uid``, ``item``, ``weight``, ``batch_id`` and
    ``attempt``.

    Options: ``url`` (and ``meta_url``, ``inventory_table``, ``meta_schema``, ``meta_name``) say where the
    inventory is. A stream takes the arguments of :class:`~batchintory.AcquireRequest`, of which ``columns``,
    ``filter`` and ``hold`` are JSON; ``batches``, how many make a micro-batch (1), each read by a task of its own;
    and ``lost``: ``fail`` or ``skip``. One batch is read by its ``claim_token``.
    """

    @classmethod
    def name(cls) -> str:
        """Of the format."""
        return "batchintory"

    def schema(self) -> str:
        """One row for each item."""
        return SCHEMA

    def reader(self, schema: StructType) -> DataSourceReader:
        """Reads one batch, which somebody else has claimed and ends."""
        return BatchReader(Options(self.options))

    def streamReader(self, schema: StructType) -> BatchStreamReader:
        """Claims batches, and ends them when their micro-batch is committed."""
        return BatchStreamReader(Options(self.options))


class BatchReader(DataSourceReader):
    """Reads a running batch by its claim token."""

    def __init__(self, options: Options) -> None:
        self._place = options.place()
        self._claim_token = options.claim_token()

    def partitions(self) -> Sequence[InputPartition]:
        """One."""
        return [BatchPartition(self._claim_token)]

    def read(self, partition: InputPartition) -> Iterator[Row]:  # type: ignore[override]
        """The items of the batch."""
        assert isinstance(partition, BatchPartition)
        return rows_of(self._place, partition.claim_token)
