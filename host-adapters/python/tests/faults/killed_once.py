"""Work whose process is killed once, for programs that run on other machines' workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

R = TypeVar("R")


def killed_once(work: Callable[[list[str]], R], folder: Path) -> Callable[[list[str]], R]:
    """The work, which the first time that it comes to one of the files kills its process. It notes in the folder
    which processes it was done by, and that one was killed."""

    def lines_of(paths: list[str]) -> R:
        (folder / f"worker-{os.getpid()}").touch()
        if any(path.endswith("file-21.txt") for path in paths):
            try:
                (folder / "killed").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        return work(paths)

    return lines_of
