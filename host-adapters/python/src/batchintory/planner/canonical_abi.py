"""How values lie in a component's memory: the canonical ABI, as far as the planner's interface needs it.

The component's core module is called directly. Values cross by a few packed reads and writes, which is
many times cheaper in Python than building a tree of C objects for each.

A type knows its size and alignment, how to ``load`` a value from bytes that were read at some place, how
to ``store`` one into bytes that will be written, and how to ``lower`` one to the parameters of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat, starmap
from struct import Struct
from struct import error as StructError
from typing import Any, ClassVar, Protocol

from batchintory.arguments import integer, real, seconds

_POINTERS = Struct("<II")


class Memory(Protocol):
    """The memory of an instance."""

    def read(self, address: int, size: int) -> memoryview:
        """Bytes at an address, as long as they stay there."""

    def write(self, data: bytes | bytearray, alignment: int) -> int:
        """Puts bytes at a new place that the instance will free; gives back its address."""

    def write_all(self, data: Sequence[bytes], alignment: int) -> list[int]:
        """The same with many at once, each at a place of its own."""


class Type:
    """A type of the interface. What it lowers to are unsigned numbers, or floating-point ones."""

    size: int
    alignment: int
    #: The parameters that a value becomes: ``i32``, ``i64`` or ``f64`` each.
    flat: tuple[str, ...]

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        """The value at this position of bytes that were read."""
        raise NotImplementedError

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        """Puts a value at this position of bytes that will be written."""
        raise NotImplementedError

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        """A value as parameters."""
        raise NotImplementedError


class Scalar(Type):
    """A number or a truth value."""

    def __init__(self, code: str, flat: str, kind: Callable[[Any], Any]) -> None:
        self._code = code
        self._struct = Struct("<" + code)
        self._kind = kind
        self.size = self.alignment = self._struct.size
        self.flat = (flat,)

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        return self._struct.unpack_from(data, at)[0]

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        data[at : at + self.size] = self._packed(self._kind(value))

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        value = self._kind(value)
        # Packing tells whether it is in range.
        self._packed(value)
        return [value & _ALL_BITS if self.flat == ("i64",) else value]

    def _packed(self, value: Any) -> bytes:
        try:
            return self._struct.pack(value)
        except StructError:
            bits = 8 * self.size
            lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if self._code == "q" else (0, 2**bits)
            raise ValueError(f"it must lie between {lowest} and {highest - 1}, which {value} does not") from None


_ALL_BITS = (1 << 64) - 1


BOOL = Scalar("?", "i32", bool)
U32 = Scalar("I", "i32", integer)
U64 = Scalar("Q", "i64", integer)
S64 = Scalar("q", "i64", integer)
F64 = Scalar("d", "f64", real)
#: Whole seconds.
SECONDS = Scalar("I", "i32", seconds)


class Text(Type):
    """A string."""

    size, alignment, flat = 8, 4, ("i32", "i32")

    def load(self, memory: Memory, data: memoryview, at: int) -> str:
        address, size = _POINTERS.unpack_from(data, at)
        return str(memory.read(address, size), "utf-8") if size else ""

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        text = self.encoded(value)
        _POINTERS.pack_into(data, at, memory.write(text, 1), len(text))

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        text = self.encoded(value)
        return [memory.write(text, 1), len(text)]

    def encoded(self, value: Any) -> bytes:
        """Its bytes."""
        if not isinstance(value, str):
            raise TypeError(f"text is wanted, not {value!r}")
        return value.encode()


TEXT = Text()


class List(Type):
    """A list of values of one type."""

    size, alignment, flat = 8, 4, ("i32", "i32")

    def __init__(self, element: Type) -> None:
        self._element = element

    def load(self, memory: Memory, data: memoryview, at: int) -> list[Any]:
        return self.load_elements(memory, *_POINTERS.unpack_from(data, at))

    def load_elements(self, memory: Memory, address: int, length: int) -> list[Any]:
        """So many values at an address."""
        if not length:
            return []
        size, load = self._element.size, self._element.load
        elements = memory.read(address, length * size)
        return [load(memory, elements, at) for at in range(0, length * size, size)]

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        _POINTERS.pack_into(data, at, *self.lower(memory, value))

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        size, store = self._element.size, self._element.store
        elements = bytearray(len(value) * size)
        for index, element in enumerate(value):
            store(memory, elements, index * size, element)
        return [memory.write(elements, self._element.alignment), len(value)]


class Named(ValueError):
    """What is wrong with a value, and with which field of what was given."""

    def __init__(self, field: str, why: object) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why

    @classmethod
    def of(cls, name: str, error: Exception) -> Named:
        """The error of a field with this name, which another one may stand in."""
        if isinstance(error, cls):
            return cls(f"{name}.{error.field}", error.why)
        if isinstance(error, AttributeError):
            return cls(name, f"it is missing ({error})")
        return cls(name, error)


#: What a value that cannot be sent raises.
CANNOT_BE_SENT = (TypeError, ValueError, LookupError, AttributeError, RecursionError, OverflowError)


def _aligned(position: int, alignment: int) -> int:
    return (position + alignment - 1) // alignment * alignment


class Record(Type):
    """A record, as an object with an attribute for each field."""

    def __init__(self, make: Callable[..., Any], fields: dict[str, Type]) -> None:
        self._make = make
        self._fields = []
        position = 0
        for name, field in fields.items():
            position = _aligned(position, field.alignment)
            self._fields.append((name, position, field))
            position += field.size
        self.alignment = max(field.alignment for field in fields.values())
        self.size = _aligned(position, self.alignment)
        self.flat = tuple(part for field in fields.values() for part in field.flat)

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        return self._make(*[field.load(memory, data, at + place) for _, place, field in self._fields])

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        name = ""
        try:
            for name, place, field in self._fields:
                field.store(memory, data, at + place, getattr(value, name))
        except CANNOT_BE_SENT as error:
            raise Named.of(name, error) from error

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        parts: list[Any] = []
        name = ""
        try:
            for name, _, field in self._fields:
                parts += field.lower(memory, getattr(value, name))
        except CANNOT_BE_SENT as error:
            raise Named.of(name, error) from error
        return parts


class Variant(Type):
    """One of several cases, as a pair of its name and what it holds."""

    def __init__(self, cases: dict[str, Type | None]) -> None:
        self._cases = list(cases.items())
        self._number = {name: number for number, name in enumerate(cases)}
        held = [case for case in cases.values() if case is not None]
        self.alignment = max((case.alignment for case in held), default=1)
        self._place = _aligned(1, self.alignment)
        largest = max((case.size for case in held), default=0)
        self.size = _aligned(self._place + largest, self.alignment)
        # What holds several cases is as wide as the widest.
        joined: list[str] = []
        for case in held:
            for index, part in enumerate(case.flat):
                if index == len(joined):
                    joined.append(part)
                elif joined[index] != part:
                    joined[index] = "i64"
        self.flat = ("i32", *joined)

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        name, case = self._cases[data[at]]
        return name, case and case.load(memory, data, at + self._place)

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        number, held = self._number_and_held(value)
        data[at] = number
        case = self._cases[number][1]
        if case is not None:
            case.store(memory, data, at + self._place, held)

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        number, held = self._number_and_held(value)
        case = self._cases[number][1]
        parts = [] if case is None else case.lower(memory, held)
        unused = len(self.flat) - 1 - len(parts)
        return [number, *parts, *[0] * unused]

    def _number_and_held(self, value: Any) -> tuple[int, Any]:
        name, held = value
        return self._number[name], held


class Enum(Variant):
    """One of several names."""

    def __init__(self, *names: str) -> None:
        super().__init__({name: None for name in names})

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        return self._cases[data[at]][0]

    def _number_and_held(self, value: Any) -> tuple[int, Any]:
        number = self._number.get(value)
        if number is None:
            raise ValueError(f"{value!r} is not known; known are {', '.join(self._number)}")
        return number, None


class Option(Variant):
    """A value or ``None``."""

    def __init__(self, some: Type) -> None:
        super().__init__({"none": None, "some": some})
        self._some = some

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        return self._some.load(memory, data, at + self._place) if data[at] else None

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        if value is not None:
            data[at] = 1
            self._some.store(memory, data, at + self._place, value)

    def _number_and_held(self, value: Any) -> tuple[int, Any]:
        return (0 if value is None else 1), value


class SqlValue(Variant):
    """The variant ``value`` of ``wit/database.wit``: ``None``, a truth value, a number or text."""

    def __init__(self) -> None:
        super().__init__({"null": None, "boolean": BOOL, "int64": S64, "float64": F64, "text": TEXT})

    _int = Struct("<q").unpack_from
    _float = Struct("<d").unpack_from

    def load(self, memory: Memory, data: memoryview, at: int) -> Any:
        case = data[at]
        if case == 4:
            return TEXT.load(memory, data, at + 8)
        if case == 2:
            return self._int(data, at + 8)[0]
        if case == 3:
            return self._float(data, at + 8)[0]
        return data[at + 8] != 0 if case == 1 else None

    def store(self, memory: Memory, data: bytearray, at: int, value: Any) -> None:
        if value is None:
            data[at] = 0
            return
        case, kind = self._kinds[type(value)]
        data[at] = case
        kind.store(memory, data, at + 8, value)

    _kinds: ClassVar[dict[type, tuple[int, Type]]] = {
        bool: (1, BOOL),
        int: (2, S64),
        float: (3, F64),
        str: (4, TEXT),
    }


class SqlRows(List):
    """Rows of the variant ``value``. There may be thousands: those alike are packed together."""

    #: The case of a type, and how a value with it is packed.
    _codes: ClassVar[dict[type, tuple[int, str]]] = {
        type(None): (0, "B15x"),
        bool: (1, "B7x?7x"),
        int: (2, "B7xq"),
        float: (3, "B7xd"),
        str: (4, "B7xII"),
    }

    def __init__(self) -> None:
        super().__init__(List(SqlValue()))

    def lower(self, memory: Memory, value: Any) -> list[Any]:
        alike: dict[tuple[type, ...], list[int]] = {}
        for index, row in enumerate(value):
            alike.setdefault(tuple(map(type, row)), []).append(index)
        pointers = [0] * (2 * len(value))
        for kinds, indexes in alike.items():
            packed = self._packed(memory, kinds, [value[index] for index in indexes])
            for index, place in zip(indexes, memory.write_all(packed, 8), strict=True):
                pointers[2 * index : 2 * index + 2] = place, len(kinds)
        return [memory.write(Struct(f"<{len(pointers)}I").pack(*pointers), 4), len(value)]

    def _packed(self, memory: Memory, kinds: tuple[type, ...], rows: list[Any]) -> list[bytes]:
        """Rows whose values are of these types."""
        if not kinds:
            return [b""] * len(rows)
        parts: list[Iterable[Any]] = []
        for kind, column in zip(kinds, zip(*rows, strict=True), strict=True):
            parts.append(repeat(self._codes[kind][0], len(rows)))
            if kind is str:
                texts = [text.encode() for text in column]
                parts += memory.write_all(texts, 1), map(len, texts)
            elif kind is not type(None):
                parts.append(column)
        pack = Struct("<" + "".join([self._codes[kind][1] for kind in kinds])).pack
        return list(starmap(pack, zip(*parts, strict=True)))
