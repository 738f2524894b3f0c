"""Builds the native engine into the wheel where a C compiler is; without one the wheel is pure."""

import importlib.util
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("src/relinkage/linkage/engines/native")


class NativeEngine(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the library beside its sources for the time of the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; an editable install builds it when it is first wanted."""
        if version == "editable":
            return
        specification = importlib.util.spec_from_file_location("building", NATIVE / "building.py")
        assert specification is not None
        assert specification.loader is not None
        building = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(building)
        try:
            built = building.build(Path(self.root) / NATIVE)
        except building.BuildError as reason:
            self.app.display_warning(f"The native engine is left out, as {reason}.")
            return
        self._built = built
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][str(built)] = f"relinkage/linkage/engines/native/{built.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave no compiled file in the source tree."""
        built = getattr(self, "_built", None)
        if built is not None:
            built.unlink(missing_ok=True)
