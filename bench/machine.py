"""The machine and the versions that figures belong to."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("relinkage", "numpy", "torch", "numba", "faiss-cpu", "torchmetrics", "ranx")


def machine() -> str:
    """Name the processor, its cores and the memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, {memory:.0f} GB of memory, {platform.system()}"


def versions() -> str:
    """Name the versions of Python and of the packages that are measured."""
    return ", ".join([f"Python {platform.python_version()}", *map(_version, PACKAGES)])


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    wide = [line for line in lines if line.startswith("flags")]
    kinds = [
        kind
        for kind in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
        if wide and kind in wide[0]
    ]
    name = named[0] if named else platform.processor() or platform.machine()
    return f"{name} ({', '.join(kinds)})" if kinds else name


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"
