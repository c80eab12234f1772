"""Puts the planner component into the package: into its wheel, and into the archive of its sources."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: Where the component is in the sources that are packed, and in the package.
PACKED, INSTALLED = "src/batchintory/planner/batchintory.wasm", "batchintory/planner/batchintory.wasm"


class ComponentHook(BuildHookInterface[Any]):
    """The component is built by `cargo xtask component`, and shipped as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuses to pack anything without it."""
        component = self._component()
        if not component.is_file():
            raise RuntimeError(f"there is no planner component {component}: run `cargo xtask component` first")
        into = PACKED if self.target_name == "sdist" else INSTALLED
        build_data["force_include"][str(component)] = into

    def _component(self) -> Path:
        chosen = os.environ.get("BATCHINTORY_COMPONENT_FILE")
        if chosen:
            return Path(chosen)
        root = Path(self.root)
        # Sources that were packed have it beside them.
        is_packed = (root / "PKG-INFO").is_file()
        return root / PACKED if is_packed else root.parents[1] / "target" / "component" / "batchintory.wasm"
