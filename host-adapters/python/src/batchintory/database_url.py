"""A database's URL: read strictly, and what of it may be told.

A password may hold what ends a part of a URL, and drivers disagree on what that means. So a URL is read here and
nowhere else, as libpq reads it: what could be meant in two ways is refused. The cases of ``tests/urls`` hold for
all of batchintory's hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

_OF_LIBPQ = """
application_name channel_binding client_encoding connect_timeout dbname fallback_application_name
gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle
keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version options
passfile password port replication require_auth requirepeer service servicefile sslcert sslcertmode
sslcompression sslcrl sslcrldir sslkey sslmode sslnegotiation sslpassword sslrootcert sslsni
ssl_max_protocol_version ssl_min_protocol_version target_session_attrs tcp_user_timeout user
"""
_OWN = "pool_size socket statement_cache statement_timeout"
#: And of Python's module for it.
_SQLITE = "cache check_same_thread immutable mode nolock psow timeout uri vfs"
#: Of other drivers and tools, whose URLs are copied.
_OTHERS = """
auth_plugin autocommit charset collation connection_limit currentSchema database db encoding
init_command keepalives_retries local_infile passwd pgbouncer pool_timeout program_name query_timeout
read_timeout schema search_path serverTimezone sql_mode ssl ssl_ca ssl_cert ssl_disabled ssl_key
ssl_verify_cert ssl_verify_identity unix_socket uselibpqcompat use_unicode
write_timeout
"""

#: Options of libpq.
LIBPQ = frozenset(_OF_LIBPQ.split())

#: Names that options may have, of whichever driver. Only these are told: what is none of them may be a piece of a
#: password with an ``&`` in it.
KNOWN = LIBPQ | frozenset(f"{_OWN} {_SQLITE} {_OTHERS}".split())

#: Names of options whose values are secrets.
_SECRET = frozenset({"passwd", "password", "sslpassword"})

System = Literal["postgresql", "mysql"]

_SYSTEMS: dict[str, System] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}


class Fault(ValueError):
    """What is wrong with a URL, in words that hold nothing of it but the names of known options."""


class Host(NamedTuple):
    """Where a server listens: a name, an address or the folder of a socket, and perhaps a port."""

    name: str
    port: int | None


@dataclass(frozen=True, slots=True, repr=False)
class SqliteUrl:
    """An SQLite database."""

    #: The path, to the letter: nothing of it is decoded.
    path: str
    #: What stands behind the ``?``.
    options: dict[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class ServerUrl:
    """A database on a server. All parts are decoded; it has a password, and is not shown."""

    system: System
    #: The name of a Python driver, as in ``postgresql+psycopg2://``.
    driver: str | None
    user: str | None
    password: str | None
    hosts: tuple[Host, ...]
    database: str | None
    #: What stands behind the ``?``; an empty value is none.
    options: dict[str, str]


def parse(text: str) -> SqliteUrl | ServerUrl:
    """Reads a URL, or raises a :class:`Fault`."""
    scheme, driver, rest = _scheme(text)
    if scheme == "sqlite":
        path, _, options = rest.partition("?")
        if path.startswith("//"):
            # As SQLAlchemy has it, where `sqlite:///` precedes a path.
            if path[2:3] not in ("", "/"):
                raise Fault("an SQLite URL names no host: sqlite:PATH, or sqlite:/// before the path")
            path = path[3:]
        return SqliteUrl(path or ":memory:", _decoded_options(_options(options)))
    if scheme not in _SYSTEMS:
        raise Fault("its scheme is not known; known are sqlite, postgres, mysql and mariadb")
    parts = _Parts.split(rest)
    return ServerUrl(
        _SYSTEMS[scheme],
        driver,
        _decoded(parts.user) or None,
        _decoded(parts.password) or None,
        tuple(Host(_host_name(name), port) for name, port in parts.hosts),
        _decoded(parts.database) or None,
        _decoded_options(parts.options),
    )


def unsupported(options: dict[str, str], supported: Iterable[str]) -> str | None:
    """Names the first option that is none of these, where it may be told."""
    for position, name in enumerate(options, 1):
        if name not in supported:
            shown = (
                f"the option {name} is not supported here" if name in KNOWN else f"option {position} is not known"
            )
            return f"{shown}; supported are {', '.join(sorted(supported))}"
    return None


class Told:
    """What of a URL may be told: scheme, hosts and database, where the whole can be read in one way; else the
    scheme alone.

    The words of drivers and servers name hosts, users and databases; where these may hold a piece of a password,
    the words are not told either.
    """

    def __init__(self, url: str) -> None:
        shown = _certain(url)
        #: Whether the whole can be read in one way only.
        self.is_certain = shown is not None
        #: The URL without anything that might be a secret.
        self.shown = _scheme_alone(url) if shown is None else shown

    def reason(self, words: str) -> str:
        """Words of a driver or a server about the URL's database, if they cannot hold a secret."""
        if self.is_certain:
            return words
        return (
            "the reason is not told, since it may hold a piece of the password: in names, passwords and values "
            "of options, write @ / : ? # & = and blanks as %40 %2F %3A %3F %23 %26 %3D and %20"
        )


class _Parts(NamedTuple):
    """The parts of a server's URL, as they are written."""

    user: str
    password: str
    hosts: list[tuple[str, int | None]]
    database: str
    options: list[tuple[str, str]]
    #: Hosts and database together.
    place: str
    #: Whether there is an ``@`` behind the hosts, which may be the one that ends a password.
    has_late_at: bool

    @classmethod
    def split(cls, rest: str) -> _Parts:
        if not rest.startswith("//"):
            raise Fault("// must follow the scheme, as in postgres://user:password@host/database")
        if re.search(r"[#\x00-\x1f\x7f-\x9f]", rest):
            raise Fault("it has a # or a control character such as a line break, which must be written %23 or %0A")
        before, _, options = rest[2:].partition("?")
        authority, slash, database = before.partition("/")
        credentials, at, hosts = authority.partition("@")
        if not at:
            credentials, hosts = "", authority
        if "@" in hosts:
            raise Fault("an @ in the user's name or the password must be written %40")
        user, _, password = credentials.partition(":")
        return cls(
            user,
            password,
            [_host(host) for host in hosts.split(",")] if hosts else [],
            database,
            _options(options),
            hosts + slash + database,
            "@" in database or "@" in options,
        )


def _scheme(text: str) -> tuple[str, str | None, str]:
    name, colon, rest = text.partition(":")
    if not colon:
        raise Fault("a URL such as sqlite:lake.sqlite or postgres://… is wanted")
    scheme, plus, driver = name.partition("+")
    if plus and not re.fullmatch(r"[A-Za-z0-9_]+", driver):
        scheme = ""
    return scheme, driver if plus else None, rest


def _host(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        name, bracket, behind = text[1:].partition("]")
        if not bracket or not re.match(r":|$", behind):
            name = "["
        port = behind[1:]
    else:
        name, _, port = text.partition(":")
    if "[" in name or "]" in name:
        raise Fault("[ and ] enclose an IPv6 address, as in [::1]:5432; elsewhere they are written %5B and %5D")
    if port and (not re.fullmatch(r"[0-9]+", port) or not 0 < int(port) < 65536):
        raise Fault(
            "a port must be a number from 1 to 65535; in the user's name and the password, : / ? and @ are "
            "written %3A, %2F, %3F and %40"
        )
    return name, int(port) if port else None


def _host_name(text: str) -> str:
    name = _decoded(text)
    if not is_host(name):
        raise Fault(
            "a host must be a name of letters, digits, - . and _, an address, or the folder of a socket, written "
            "with %2F for /"
        )
    return name


def is_host(text: str) -> bool:
    """Whether this can be a host: a name, an address, or the folder of a socket. Empty is the default one."""
    return bool(re.fullmatch(r"/[^\x00-\x1f\x7f-\x9f]*|[A-Za-z0-9_.-]*|[0-9A-Fa-f.:]*", text))


def _options(text: str) -> list[tuple[str, str]]:
    options = []
    for option in filter(None, text.split("&")):
        name, equals, value = option.partition("=")
        if not equals:
            raise Fault("an option is not of the form name=value; in a value, & is written %26")
        options.append((name, value))
    return options


def _decoded_options(raw: list[tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for encoded, value in raw:
        name = _decoded(encoded)
        if name in options and name in KNOWN:
            raise Fault(f"the option {name} is given twice")
        options[name] = _decoded(value)
    return options


def _decoded(text: str) -> str:
    """The text that is meant. A ``+`` is a ``+``, as libpq has it."""
    first, *rest = text.encode().split(b"%")
    decoded = [first]
    for part in rest:
        if not re.match(rb"[0-9A-Fa-f]{2}", part) or part.startswith(b"00"):
            raise Fault("it has a % that begins no code such as %20; a % itself is written %25")
        decoded.append(bytes([int(part[:2], 16)]) + part[2:])
    try:
        return b"".join(decoded).decode()
    except UnicodeDecodeError:
        raise Fault("what its codes such as %20 stand for is no UTF-8 text") from None


def _scheme_alone(url: str) -> str:
    name, _, rest = url.partition(":")
    try:
        scheme, _, _ = _scheme(url)
    except Fault:
        return "…"
    if (
        rest.startswith("//")
        and (scheme in _SYSTEMS or re.fullmatch(r"[a-z][a-z+]*", name))
        and scheme != "sqlite"
    ):
        return f"{name}://…"
    return f"{name}:…" if scheme in (*_SYSTEMS, "sqlite") else "…"


def _certain(url: str) -> str | None:
    """What is shown of a URL that can be read in one way only."""
    try:
        parsed = parse(url)
    except Fault:
        return None
    name, _, rest = url.partition(":")
    if isinstance(parsed, SqliteUrl):
        path, _, options = rest.partition("?")
        # It may be a server's address with a password.
        is_certain = "@" not in path.partition(":")[2] and _are_certain(_options(options))
        return f"{name}:{path}" if is_certain else None
    parts = _Parts.split(rest)
    given = parsed.options.get
    hosts = [host.name for host in parsed.hosts]
    hosts += f"{given('host', '')},{given('hostaddr', '')}".split(",")
    users = f"{parsed.user or ''}@{given('user', '')}".split("@")  # Users of Azure are called `user@server`.
    names = [*users, parsed.database or "", given("dbname", "")]
    is_certain = (
        not parts.has_late_at
        and _are_certain(parts.options)
        and all(map(_is_name, names))
        and all(is_host(host) and all(map(_is_name, re.split("[/:]", host))) for host in hosts)
    )
    return f"{name}://{parts.place}" if is_certain else None


#: Letters that end no part of a URL or of another form of connection strings.
_LETTER = "A-Za-z0-9_.~+$\xa0-\U0010ffff-"
#: With what else values of options are written, and settings of a server among them.
_VALUE = rf"*,:/(){_LETTER}"
_SETTING = r"='\"\\"


def _are_certain(options: list[tuple[str, str]]) -> bool:
    """Whether nothing in options that are no secrets could be a piece of one, as it is written or meant."""
    return all(
        name in KNOWN
        and (
            name in _SECRET
            or (
                bool(re.fullmatch(rf"[%{_VALUE}]*", value))
                and bool(re.fullmatch(rf"[ {_VALUE}{_SETTING if name == 'options' else ''}]*", _decoded(value)))
            )
        )
        for name, value in options
    )


def _is_name(text: str) -> bool:
    return bool(re.fullmatch(rf"[ {_LETTER}]*", text))
