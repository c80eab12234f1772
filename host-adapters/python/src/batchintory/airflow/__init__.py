"""A provider for Airflow 3: batches are claimed by one task, and worked on by as many as there are batches.

- :class:`batchintory.airflow.hook.BatchintoryHook` opens an inventory by a connection of Airflow.
- :class:`batchintory.airflow.acquire.AcquireBatchesOperator` claims batches, and gives their claim tokens.
- ``@task.batchintory`` (:mod:`batchintory.airflow.task`) works on one, and ends it as the task ends.
- :class:`batchintory.airflow.sensor.BatchesWaitingSensor` waits until there is something to claim.
"""
