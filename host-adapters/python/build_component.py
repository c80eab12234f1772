"""Puts the planner component into the wheel."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ComponentHook(BuildHookInterface[Any]):
    """The component is built by `cargo xtask component`, and shipped as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuses to build a wheel without it."""
        built = Path(self.root).parents[1] / "target" / "component" / "batchintory.wasm"
        component = Path(os.environ.get("BATCHINTORY_COMPONENT_FILE") or built)
        if not component.is_file():
            raise RuntimeError(f"there is no planner component {component}: run `cargo xtask component` first")
        build_data["force_include"][str(component)] = "batchintory/planner/batchintory.wasm"
