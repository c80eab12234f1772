"""What came of a batch, as it is kept in the inventory."""

from __future__ import annotations

import inspect
import logging
import warnings
from typing import Any

from batchintory.errors import ResultError
from batchintory.json_text import JsonText, write

logger = logging.getLogger("batchintory")

#: The most characters of a ``repr`` that are kept.
_LONGEST = 100_000


def as_document(result: Any, batch: object) -> JsonText | None:
    """A result as JSON. What has no form of it is kept as its ``repr``, with a warning: the work is done."""
    if result is None:
        return None
    if isinstance(result, JsonText):
        return result
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()
        raise ResultError(
            f"the batch's result is a {type(result).__name__}, whose work has only begun; wait for it, and return "
            "what comes of it"
        )
    try:
        return JsonText(write(result))
    except Exception as error:  # Objects of the program's own may raise what they will.
        why = f"{type(error).__name__}: {error}"
    _warn(
        f"the result of {batch!r} cannot be written as JSON ({why}); its repr is kept instead: return what JSON "
        "knows, or None"
    )
    return JsonText(write(_repr(result)))


def _repr(result: Any) -> str:
    try:
        text = repr(result)
    except Exception as error:
        text = f"<{type(result).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _warn(message: str) -> None:
    try:
        warnings.warn(message, UserWarning, stacklevel=5)
    except Warning:
        # Where warnings are errors: none may fail a batch whose work is done.
        logger.warning(message)
