"""Arguments as Python programs have them: numbers of any library, spans of time, and what a function is."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from datetime import timedelta
from numbers import Number
from typing import Any

from batchintory.errors import InvalidRequest


def integer(value: Any) -> int:
    """An integer: one of any library, or another number that is whole."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
        if isinstance(value, Number):
            try:
                whole = int(value)  # type: ignore[call-overload]
            except (TypeError, ValueError, OverflowError):
                pass
            else:
                if whole == value:
                    return int(whole)
    raise TypeError(f"an integer is wanted, not {value!r}")


def real(value: Any) -> float:
    """A number."""
    if isinstance(value, (bool, str, bytes, bytearray)):
        raise TypeError(f"a number is wanted, not {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"a number is wanted, not {value!r}") from None


def seconds(value: Any) -> int:
    """Whole seconds, given as their number or as a :class:`~datetime.timedelta`."""
    if not isinstance(value, timedelta):
        return integer(value)
    if value.microseconds:
        raise ValueError(f"whole seconds are wanted, not {value!r}")
    return value.days * 86_400 + value.seconds


def span(value: float | timedelta) -> float:
    """Seconds and parts of them, given in the same ways."""
    return value.total_seconds() if isinstance(value, timedelta) else real(value)


#: What a function may be that has done nothing when its call returns.
_ASYNC = "an async function"


def _why_it_only_begins(function: Any) -> str | None:
    """What a function is that has done nothing when its call returns, such as an ``async def``."""
    # Of an object that is called, its method tells.
    kinds = (function, type(function).__call__ if callable(function) else None)
    if any(map(inspect.iscoroutinefunction, kinds)):
        return _ASYNC
    if any(map(inspect.isasyncgenfunction, kinds)):
        return "an async generator"
    if any(map(inspect.isgeneratorfunction, kinds)):
        return "a generator"
    return None


def check_work(work: Callable[..., Any]) -> None:
    """Refuses a function whose work is not done when its call returns."""
    kind = _why_it_only_begins(work)
    if kind is not None:
        raise _only_begins(work, kind, "that does it, such as one that calls asyncio.run")


def check_async_work(work: Callable[..., Any]) -> None:
    """Refuses a function whose work is not done when what its call returns was awaited."""
    kind = _why_it_only_begins(work)
    if kind not in (None, _ASYNC):
        raise _only_begins(work, str(kind), "by `async def`, without `yield`")


def _only_begins(work: Callable[..., Any], kind: str, wanted: str) -> InvalidRequest:
    refusal = InvalidRequest(
        f"{getattr(work, '__qualname__', work)!s} is {kind}: a call of it only begins the work, which would "
        f"be taken for done; give a function {wanted}"
    )
    refusal.field = "work"
    return refusal
