"""Dagster: a sensor claims batches, and each is worked on by a run of its own.

- :class:`BatchintoryResource` opens an inventory, and takes a run's batch up: the batch ends as the op does.
- :func:`build_batch_sensor` makes a sensor that requests a run for each batch that it claims.
- :func:`build_lag_observation` makes an observable source asset that tells how much is waiting.
"""

from batchintory.dagster.observation import build_lag_observation
from batchintory.dagster.resource import BatchintoryResource
from batchintory.dagster.sensor import build_batch_sensor

__all__ = ["BatchintoryResource", "build_batch_sensor", "build_lag_observation"]
