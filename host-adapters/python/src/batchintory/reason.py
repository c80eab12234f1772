"""Why a batch failed, as it is kept in the inventory's log."""

from __future__ import annotations

from traceback import TracebackException
from types import TracebackType

#: The most bytes of a log.
_LOG_BYTES = 1 << 20

#: The most bytes of what an error says, and of the traceback behind it.
_SAID_BYTES = _TRACEBACK_BYTES = 1 << 16


def text_of(error: BaseException | str) -> str:
    """What an error says. One without words still has a name. A log may be a MiB at most."""
    try:
        text = str(error)
    except Exception as problem:
        text = f"its message cannot be read ({type(problem).__name__})"
    return _cleaned(_end_of(text or type(error).__name__, _LOG_BYTES))


def reason(error: BaseException | str) -> str:
    """What is kept of an error: its type and what it says, and the end of its traceback."""
    if isinstance(error, str):
        return text_of(error)
    told = TracebackException(type(error), error, _behind_ours(error.__traceback__))
    said = "".join(told.format_exception_only()).strip()
    if len(said) > _SAID_BYTES:
        said = said[:_SAID_BYTES] + "…"
    if not told.stack:
        return _cleaned(said)
    return _cleaned(f"{said}\n\n{_end_of(''.join(told.format()).rstrip(), _TRACEBACK_BYTES)}")


def _behind_ours(traceback: TracebackType | None) -> TracebackType | None:
    """Leaves out how this package came to call the function that failed."""
    while traceback is not None and _is_ours(traceback):
        traceback = traceback.tb_next
    return traceback


def _is_ours(traceback: TracebackType) -> bool:
    name = str(traceback.tb_frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] == __name__.partition(".")[0]


def _end_of(text: str, most: int) -> str:
    encoded = text.encode(errors="replace")
    return text if len(encoded) <= most else encoded[-most:].decode(errors="ignore")


def _cleaned(text: str) -> str:
    """Without what no database takes."""
    return text.replace("\0", "").encode(errors="replace").decode()
