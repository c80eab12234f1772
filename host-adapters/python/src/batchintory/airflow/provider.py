"""What Airflow is told of this provider."""

from __future__ import annotations

from typing import Any

from batchintory.airflow.connection_types import CONNECTION_TYPE, HOOK_NAME


def get_provider_info() -> dict[str, Any]:
    """The entry point ``apache_airflow_provider``."""
    return {
        "package-name": "batchintory",
        "name": "batchintory",
        "description": "Hands the items of a table out in batches, exactly once per job.",
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "batchintory.airflow.hook.BatchintoryHook",
                "hook-name": HOOK_NAME,
                "ui-field-behaviour": {
                    "hidden-fields": [],
                    "relabeling": {"host": "Host, or the path of an SQLite file", "schema": "Database"},
                    "placeholders": {"extra": '{"system": "postgresql", "inventory_table": "inventory"}'},
                },
            }
        ],
        "task-decorators": [{"class-name": "batchintory.airflow.task.batchintory_task", "name": "batchintory"}],
    }
