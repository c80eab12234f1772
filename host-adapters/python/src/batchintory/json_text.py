"""JSON that keeps numbers as they are: a float rounds those of many digits, and takes others for infinity."""

from __future__ import annotations

import json
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


def write(value: Any, default: Callable[[Any], Any] | None = None) -> str:
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
        if default is not None:
            return default(value)
        raise TypeError(f"{type(value).__name__} has no JSON form")

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
