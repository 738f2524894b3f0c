"""Whether it is worth asking torch for a CUDA device: importing torch takes a second, and most have none."""

import sys
from pathlib import Path

_SIGNS = ("/dev/nvidiactl", "/proc/driver/nvidia", "/dev/dxg", "/dev/kfd")
"""Left on Linux by drivers: NVIDIA's, its likeness inside Windows, and AMD's, which torch also calls CUDA."""


def cuda_device_possible() -> bool:
    """Say whether there may be a CUDA device; where only torch could tell, there may, but for a Mac."""
    if sys.platform == "darwin":
        return False
    return not sys.platform.startswith("linux") or any(Path(sign).exists() for sign in _SIGNS)
