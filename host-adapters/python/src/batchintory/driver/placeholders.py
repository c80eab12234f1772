"""The planner's placeholders, as modules want them that replace ``%s`` by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

# Text and names in quotes may hold anything.
_TOKENS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\$(?P<number>\d+)|(?P<mark>\?)|%""")


def _place(statement: str, written: Callable[[re.Match[str]], str], percent: str = "%%") -> str:
    def replace(token: re.Match[str]) -> str:
        is_placeholder = token["number"] or token["mark"]
        return written(token) if is_placeholder else token[0].replace("%", percent)

    return _TOKENS.sub(replace, statement)


@lru_cache(maxsize=512)
def numbered(statement: str) -> str:
    """``$1`` becomes ``%(1)s``, and ``%`` is doubled."""
    return _place(statement, lambda token: f"%({token['number']})s" if token["number"] else "?")


@lru_cache(maxsize=512)
def typed(statement: str, kinds: tuple[str, ...], style: Literal["$", "%"]) -> str:
    """Says of each parameter of PostgreSQL's what type it has, for modules that do not tell the server, or ask it:
    ``$1`` becomes ``$1::bigint``, or ``%(1)s::bigint``."""

    def written(token: re.Match[str]) -> str:
        number = token["number"]
        if not number:
            return token[0]
        name = f"${number}" if style == "$" else f"%({number})s"
        return f"{name}::{kinds[int(number) - 1]}"

    return _place(statement, written, "%%" if style == "%" else "%")


@lru_cache(maxsize=512)
def in_order(statement: str) -> str:
    """``?`` becomes ``%s``, and ``%`` is doubled."""
    return _place(statement, lambda token: "%s" if token["mark"] else token[0])
