"""Streams batches on a cluster of two executors, and dies as it is told.

python spark_faults.py URL FOLDER FAULT

FAULT: `driver` kills the driver in its second micro-batch, `executor` an executor once; `none` neither.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from batchintory.spark import BatchintorySource

URL, FOLDER, FAULT = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def java_above(process: int) -> int:
    """The executor that a Python worker belongs to."""
    while Path(f"/proc/{process}/comm").read_text().strip() != "java":
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return process


def count(path: str) -> list[int]:
    """The lines of a file, and which executor has counted them."""
    executor = java_above(os.getpid())
    if FAULT == "executor" and path.endswith("file-30.txt"):
        try:
            (FOLDER / "killed").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(executor, signal.SIGKILL)
            signal.pause()
    return [Path(path).read_text().count("\n"), executor]


def write(rows: DataFrame, number: int) -> None:
    """Keeps a micro-batch in a file: written again, it is the same file."""
    counted = udf(count, "array<int>")
    found = [
        {
            "item": row["item"],
            "batch_id": row["batch_id"],
            "lines": row["counted"][0],
            "executor": row["counted"][1],
        }
        for row in rows.select("item", "batch_id", counted("item").alias("counted")).collect()
    ]
    target = FOLDER / f"micro-batch-{number}.json"
    if target.exists():
        target.rename(FOLDER / f"before-{number}.json")
    target.write_text(json.dumps(found))
    if FAULT == "driver" and number == 1:
        # With the Java that it talks to, and all that they have started.
        os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Works until nothing is left."""
    spark = (
        SparkSession.builder.master("local-cluster[2,1,768]")
        .config("spark.ui.enabled", "false")
        .config("spark.executor.memory", "768m")
        .getOrCreate()
    )
    spark.dataSource.register(BatchintorySource)
    batches = (
        spark.readStream.format("batchintory")
        .options(url=URL, meta_table="files", job="stream", max_count=3, batches=4, lease_seconds=3600)
        .load()
    )
    query = (
        batches.writeStream.foreachBatch(write)
        .option("checkpointLocation", str(FOLDER / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main()
