"""Dot-env files: a line ``NAME=value`` for each variable.

Read strictly, as the command line reads them: the cases of ``tests/dot-env`` hold for both. Libraries differ in
what ``$``, a backslash or a ``#`` mean, so that one file would name two databases.
"""

from __future__ import annotations

import re

_LINE = re.compile(
    r"""
    (?:export\s+)? (?P<name>[A-Za-z_][A-Za-z0-9_.]*) \s* = (?:
        \s* '(?P<single>[^']*)' (?P<behind_single>.*)
      | \s* "(?P<double>(?:\\.|[^"\\])*)" (?P<behind_double>.*)
      | \s* (?P<unclosed>['"]) .*
      | (?P<plain>.*)
    )
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)|\$\{")
_REPLACES = "has a ${…}, which is not replaced: write the value itself, or put it between single quotes"


class DotEnvError(ValueError):
    """A line that cannot be read. It is not told: there may be a password in it."""


def read(text: str) -> dict[str, str]:
    """Reads a file's text. The last line of a name counts."""
    variables: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            name, value = _variable(content)
        except DotEnvError as error:
            raise DotEnvError(f"line {number} {error}") from None
        variables[name] = value
    return variables


def _variable(line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise DotEnvError("is not of the form NAME=value")
    name, plain = match["name"], match["plain"]
    if match["unclosed"] is not None:
        raise DotEnvError("has a quotation without an end")
    if plain is not None:
        # A comment needs a blank before it.
        value = re.split(r"\s#", plain, maxsplit=1)[0].strip()
        if "${" in value:
            raise DotEnvError(_REPLACES)
        return name, value
    behind = match["behind_single"] or match["behind_double"] or ""
    if behind and not re.match(r"\s*$|\s+#", behind):
        raise DotEnvError("has something behind its quotation")
    single = match["single"]
    return name, _ESCAPED.sub(_unescaped, match["double"]) if single is None else single


def _unescaped(match: re.Match[str]) -> str:
    letter = match[1]
    if letter is None:
        raise DotEnvError(_REPLACES)
    if letter not in '"\\$n':
        raise DotEnvError('has a \\ before something else than ", \\, $ or n')
    return "\n" if letter == "n" else letter
