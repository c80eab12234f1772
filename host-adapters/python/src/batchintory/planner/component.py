"""The planner component: compiled once, and kept compiled for the next process."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from batchintory.errors import ComponentError

if TYPE_CHECKING:
    from wasmtime import Engine, Module

#: The component's file, which the wheel is built with.
FILE = Path(__file__).parent / "batchintory.wasm"

#: How often computing time is looked at, in seconds.
TICK = 0.05

#: What is packed together in a file of compiled modules, and how.
_FORMAT = 2

_CORE_MODULE = 1


class Planner:
    """The compiled planner with the engine that runs it."""

    def __init__(self) -> None:
        import wasmtime

        from batchintory.planner.host_calls import Bridge

        config = wasmtime.Config()
        # Looking at a clock costs half of what fuel does.
        config.epoch_interruption = True
        # So that memory is read and written where it was found at first.
        config.memory_may_move = False
        self.engine = wasmtime.Engine(config)
        self.module, bridge, self.allocator = _compile(self.engine)
        _check(self.module)
        self.bridge = Bridge(self.module, bridge)
        _start_ticking(self.engine)


def _compile(engine: Engine) -> tuple[Module, Module, Module]:
    """The planner's core module, the bridge to it, and what makes room in its memory."""
    from wasmtime import Module, WasmtimeError

    from batchintory.planner import allocator
    from batchintory.planner.host_calls import bridge_text

    try:
        component = FILE.read_bytes()
    except OSError as error:
        raise ComponentError(
            f"cannot read the planner component {FILE}: {error.strerror}; install the package again, "
            "or build it from its sources by `cargo xtask component` and then the wheel"
        ) from error
    version = importlib.metadata.version("wasmtime")
    digest = hashlib.sha256(component).hexdigest()
    # Only code that this user wrote is run.
    folder = _cache_folder()
    file = folder and folder / f"{digest[:32]}-{version}-{sys.platform}-{_FORMAT}.cwasm"
    if file is not None:
        compiled = _read_own(file)
        if compiled is not None:
            try:
                return _unpacked(engine, compiled)
            except WasmtimeError:
                pass  # Of another machine, or damaged: compiled anew.
    try:
        module = Module(engine, core_module(component))
    except (WasmtimeError, IndexError, StopIteration) as error:
        raise ComponentError(f"{FILE} is no planner component: {error}") from error
    all_ = module, Module(engine, bridge_text(module)), Module(engine, allocator.TEXT)
    if file is not None:
        _write(file, _packed(all_))
    return all_


def _check(module: Module) -> None:
    """Once for all instances: wasmtime's types have finalizers, which are not to swallow an interrupt in each."""
    from batchintory.planner.core_function import check
    from batchintory.planner.interface import CORE_FUNCTIONS

    exports = {export.name: export.type for export in module.exports}
    for name, flat in CORE_FUNCTIONS.items():
        if name not in exports:
            raise ComponentError(f"the planner component has no function {name}")
        check(exports[name], flat)


def _packed(modules: tuple[Module, Module, Module]) -> bytes:
    parts = [bytes(module.serialize()) for module in modules]
    return b"".join(len(part).to_bytes(8, "little") + part for part in parts)


def _unpacked(engine: Engine, compiled: bytes) -> tuple[Module, Module, Module]:
    from wasmtime import Module

    modules = []
    for _ in range(3):
        end = 8 + int.from_bytes(compiled[:8], "little")
        modules.append(Module.deserialize(engine, compiled[8:end]))
        compiled = compiled[end:]
    planner, bridge, allocator = modules
    return planner, bridge, allocator


def core_module(component: bytes) -> bytes:
    """The planner's core module: the first one in the component, whose others only wire it up."""
    position = len(b"\0asm") + 4
    while position < len(component):
        section = component[position]
        size, position = _unsigned(component, position + 1)
        if section == _CORE_MODULE:
            return component[position : position + size]
        position += size
    raise IndexError("there is no core module in it")


def _unsigned(data: bytes, position: int) -> tuple[int, int]:
    """A number in LEB128, and where it ends."""
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7


def _cache_folder() -> Path | None:
    """The user's cache directory; ``None`` where there is none that only the user can write to."""
    given = os.environ.get("BATCHINTORY_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        if given:
            base = Path(given)
        elif sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path.home() / ".cache"
        folder = base / "batchintory"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_own(folder.stat()) else None
    except (OSError, RuntimeError):
        return None


def _is_own(status: os.stat_result) -> bool:
    if sys.platform == "win32":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _checksum(compiled: bytes) -> bytes:
    return hashlib.sha256(compiled).digest()


def _read_own(file: Path) -> bytes | None:
    """What was written before; ``None`` where it is missing, somebody else's, or damaged."""
    try:
        with file.open("rb") as opened:
            if not _is_own(os.fstat(opened.fileno())):
                return None
            data = opened.read()
    except OSError:
        return None
    checksum, compiled = data[:32], data[32:]
    return compiled if checksum == _checksum(compiled) else None


def _write(file: Path, compiled: bytes) -> None:
    """Writes all of it or nothing; without it the next process compiles anew."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(_checksum(compiled) + compiled)
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError:
        pass


def _start_ticking(engine: Engine) -> None:
    """Lets an engine's clock tick for as long as the engine lives."""
    reference = weakref.ref(engine)
    done = threading.Event()
    weakref.finalize(engine, done.set)

    def tick() -> None:
        while not done.wait(TICK):
            engine = reference()
            if engine is None:
                return
            engine.increment_epoch()
            del engine

    threading.Thread(target=tick, name="batchintory-clock", daemon=True).start()


_lock = threading.Lock()
_planners: dict[int, Planner] = {}


def planner() -> Planner:
    """The planner of this process. A forked process gets its own: the parent's clock does not tick there."""
    process = os.getpid()
    found = _planners.get(process)
    if found is None:
        with _lock:
            found = _planners.get(process) or Planner()
            # Those of parents stay, since they must not be taken down here.
            _planners[process] = found
    return found


def _after_fork() -> None:
    # Another thread may have held it.
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
