"""Counts the lines of files with Spark: threads of the driver claim batches, and Spark reads the files of each.

python spark_job.py postgresql://user:password@host/database
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession
from pyspark.sql.functions import input_file_name

from batchintory import AcquireRequest, Batch, Inventory

#: Batches that Spark works on at once.
AT_ONCE = 3


def count(spark: SparkSession, batch: Batch) -> int:
    """Reads the batch's files as one data frame. An error fails the batch, which is then handed out again."""
    with batch:
        frame = spark.read.text([str(path) for path in batch.items])
        counted = {
            row["file"]: row["count"] for row in frame.groupBy(input_file_name().alias("file")).count().collect()
        }
        batch.succeed(counted)
    return sum(counted.values())


def main(url: str) -> None:
    """Works until nothing is left."""
    request = AcquireRequest("files", "spark", max_count=8, lease_seconds=60)
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    with Inventory(url) as inventory:
        inventory.migrate()

        def work(_: int) -> int:
            return sum(count(spark, batch) for batch in inventory.batches(request))

        with ThreadPoolExecutor(AT_ONCE) as threads:
            print(sum(threads.map(work, range(AT_ONCE))), "lines")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
