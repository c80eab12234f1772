"""JSON that keeps numbers as they are: a float rounds those of many digits, and takes others for infinity."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import os
import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any


class JsonText(str):
    """Text that is a JSON document already."""


def parse(text: str) -> Any:
    """Parses JSON. Numbers that a float does not hold, such as ``1e400`` or one of 30 decimal places, become
    decimals."""
    try:
        return json.loads(text, parse_float=_real, parse_int=_whole)
    except RecursionError:
        return JsonText(text)


def plain_json(value: Any) -> Any:
    """What JSON can hold instead of a value that it cannot: points in time as RFC 3339, spans of time as seconds,
    paths and UUIDs as text, records as objects, sets as lists, and what libraries such as NumPy have as Python's
    own."""
    match value:
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            seconds = value.total_seconds()
            return int(seconds) if seconds.is_integer() else seconds
        case os.PathLike():
            return os.fspath(value)
        case uuid.UUID():
            return str(value)
        case enum.Enum():
            return value.value
        case set() | frozenset():
            return _in_order(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(to_list := getattr(value, "tolist", None)):
        return to_list()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _in_order(values: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def write(value: Any, default: Callable[[Any], Any] = plain_json) -> str:
    """Writes JSON, decimals as numbers; ``default`` is asked for what has no JSON form, as by the module json."""
    mark = uuid.uuid4().hex  # In no string of the value.
    has_decimals = False

    def plain(value: Any) -> Any:
        nonlocal has_decimals
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise ValueError(f"{value} is no number of JSON")
            has_decimals = True
            return f"{mark}{value}"
        return default(value)

    def dumped(ensure_ascii: bool) -> str:
        return json.dumps(value, default=plain, ensure_ascii=ensure_ascii, separators=(",", ":"), allow_nan=False)

    text = dumped(ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Halves of characters can only be escaped.
        text = dumped(ensure_ascii=True)
    return re.sub(f'"{mark}([^"]*)"', r"\1", text) if has_decimals else text


def _real(text: str) -> Any:
    number = float(text)
    try:
        exact = Decimal(text)
        digits = len(exact.as_tuple().digits)
        # It is the same number when it is written with as many digits.
        return number if Decimal(f"{number:.{digits - 1}e}") == exact else exact
    except InvalidOperation:
        # Its exponent has more digits than even a decimal holds.
        return text


def _whole(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        # Longer than Python converts, lest it take long.
        return Decimal(text)
