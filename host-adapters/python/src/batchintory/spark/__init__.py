"""A data source for Spark 4.2 and later: ``spark.dataSource.register(BatchintorySource)``.

See :class:`batchintory.spark.source.BatchintorySource`.
"""

from batchintory.spark.source import BatchintorySource

__all__ = ["BatchintorySource"]
