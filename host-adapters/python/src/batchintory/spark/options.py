"""What is asked for, by the options that Spark hands on as texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from batchintory.errors import SettingsError
from batchintory.place import Place
from batchintory.records import AcquireRequest, MetaColumns

#: What becomes of a micro-batch, in a stream that begins again, whose batch somebody else has now.
Lost = Literal["fail", "skip"]

#: How each member of a request is read. Columns and conditions are JSON.
_REQUEST: dict[str, Callable[[str], Any]] = {
    "meta_table": str,
    "job": str,
    "job_identifier": str,
    "source_job": str,
    "columns": lambda text: MetaColumns(**json.loads(text)),
    "id_min": int,
    "id_max": int,
    "max_weight": float,
    "max_count": int,
    "filter": json.loads,
    "hold": json.loads,
    "settle": str,
    "max_attempts": int,
    "retry_delay_seconds": int,
    "lease_seconds": int,
    "on_change": str,
    "item_encoding": str,
}
_PLACE = ("url", "meta_url", "inventory_table", "meta_schema", "meta_name")
_OWN = ("batches", "lost", "claim_token")

#: How long a batch may go without a sign of life, unless said otherwise: for so long, in seconds, a stream may be
#: down before somebody else gets what it was at.
LEASE = 3600


class Options:
    """The options of a source, by their names in small letters: Spark knows no case in them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in given.items()}
        known = [*_PLACE, *_OWN, *_REQUEST]
        if unknown := sorted(set(self._given) - set(known)):
            raise SettingsError(f"the option {unknown[0]!r} is not known; known are {', '.join(known)}")

    def place(self) -> Place:
        """Where the inventory is."""
        self._wanted("url")
        return Place(**{name: self._given[name] for name in _PLACE if name in self._given})

    def request(self) -> AcquireRequest:
        """What a stream claims."""
        self._wanted("meta_table")
        self._wanted("job")
        read = {name: self._read(name, of) for name, of in _REQUEST.items() if name in self._given}
        return AcquireRequest(**{"lease_seconds": LEASE, **read})

    def batches(self) -> int:
        """How many batches a micro-batch has at most."""
        count: int = self._read("batches", int) if "batches" in self._given else 1
        if count < 1:
            raise SettingsError(f"the option 'batches' is {count}; it must be at least 1")
        return count

    def lost(self) -> Lost:
        """What becomes of a micro-batch whose batch somebody else has now."""
        chosen = self._given.get("lost", "fail")
        if chosen not in get_args(Lost):
            raise SettingsError(f"the option 'lost' is {chosen!r}; it may be {' or '.join(get_args(Lost))}")
        return chosen  # type: ignore[return-value]

    def claim_token(self) -> str:
        """The batch that is read."""
        return self._wanted("claim_token")

    def _wanted(self, name: str) -> str:
        if not self._given.get(name):
            raise SettingsError(f"the option {name!r} is missing: .option({name!r}, …)")
        return self._given[name]

    def _read(self, name: str, of: Callable[[str], Any]) -> Any:
        try:
            return of(self._given[name])
        except (TypeError, ValueError) as error:
            raise SettingsError(f"the option {name!r} cannot be read: {error}") from error
