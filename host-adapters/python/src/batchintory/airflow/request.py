"""Requests as DAGs have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchintory.errors import InvalidRequest
from batchintory.records import AcquireRequest, MetaColumns


def request_of(given: AcquireRequest | Mapping[str, Any]) -> AcquireRequest:
    """A request that was given as such, or by its arguments."""
    if isinstance(given, AcquireRequest):
        return given
    arguments = dict(given)
    if isinstance(arguments.get("columns"), Mapping):
        arguments["columns"] = MetaColumns(**arguments["columns"])
    try:
        return AcquireRequest(**arguments)
    except TypeError as error:
        known = ", ".join(AcquireRequest.__dataclass_fields__)
        said = str(error).removeprefix("AcquireRequest.__init__() ")
        raise InvalidRequest(f"the request {said}; it may have {known}") from None
