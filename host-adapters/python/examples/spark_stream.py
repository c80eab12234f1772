"""Counts the lines of files with Spark, which streams batches: each is read by a task of its own.

python spark_stream.py postgresql://user:password@host/database FOLDER

The folder keeps the checkpoint and what was counted. Begun again after a crash, the stream goes on where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, udf

from batchintory import Inventory
from batchintory.spark import BatchintorySource


def lines_of(path: str) -> int:
    """Runs where the task does."""
    return Path(path).read_text().count("\n")


def main(url: str, folder: str) -> None:
    """Works until nothing is left; without the trigger it goes on for ever."""
    with Inventory(url) as inventory:
        inventory.migrate()
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.dataSource.register(BatchintorySource)
    batches = (
        spark.readStream.format("batchintory")
        .option("url", url)
        .option("meta_table", "files")
        .option("job", "spark-stream")
        .option("max_count", 4)
        .option("batches", 5)  # In a micro-batch.
        .load()
    )
    counted = batches.select(col("item").alias("file"), udf(lines_of, "int")("item").alias("lines"))
    query = (
        counted.writeStream.format("parquet")
        .option("path", f"{folder}/counted")
        .option("checkpointLocation", f"{folder}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    print(spark.read.parquet(f"{folder}/counted").agg({"lines": "sum"}).first()[0], "lines")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
