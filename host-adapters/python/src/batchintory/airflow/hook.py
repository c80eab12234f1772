"""An inventory by a connection of Airflow."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook

from batchintory.airflow.connection_types import CONNECTION_TYPE, HOOK_NAME, place_of
from batchintory.errors import BatchintoryError
from batchintory.inventory import Inventory

#: The connection that is meant where none is named.
DEFAULT_CONNECTION = "batchintory_default"


class BatchintoryHook(BaseHook):
    """Opens an inventory by a connection of Airflow.

    Connections of the types ``batchintory``, ``postgres``, ``mysql`` and ``sqlite`` will do. Of the extras,
    ``system`` (``postgresql``, ``mysql`` or ``sqlite``) says what a connection of the type ``batchintory`` leads
    to; ``inventory_table``, ``meta_schema`` and ``meta_name`` are those of :class:`~batchintory.Inventory`;
    ``meta_conn_id`` names the connection of the meta tables' database, where that is another one. All others are
    options of the URL, such as ``sslmode``.

    :param batchintory_conn_id: the connection.
    """

    conn_name_attr = "batchintory_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = CONNECTION_TYPE
    hook_name = HOOK_NAME

    def __init__(self, batchintory_conn_id: str = DEFAULT_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batchintory_conn_id = batchintory_conn_id

    def get_conn(self) -> Inventory:
        """A new inventory; ``with`` closes it."""
        place = place_of(self.get_connection(self.batchintory_conn_id))
        return place.open(None if place.meta is None else place_of(self.get_connection(place.meta)))

    def test_connection(self) -> tuple[bool, str]:
        """Whether the inventory is there, for the button in Airflow's pages."""
        try:
            with self.get_conn() as inventory:
                inventory.jobs()
        except BatchintoryError as error:
            return False, str(error)
        return True, "The inventory can be read."
