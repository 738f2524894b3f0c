"""What of a model's folder goes along unchanged when its heads are replaced."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

_WEIGHTS = (
    ".bin", ".safetensors", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".ot", ".npz",
    ".gguf", ".tflite", ".pb", ".mlmodel",
)  # fmt: skip
_INDEX = ".index.json"


def copy_rest(folder: Path, out: Path, leave: Collection[str] = ()) -> list[str]:
    """Copy what is not weights: tokenizer, preprocessing, licence, examples.

    Weights in formats that are not rewritten would still hold the model's own heads, so they stay behind.
    Hidden files and linked folders stay behind too; a linked file is copied as the file that it is.

    Args:
        folder: the model's folder.
        out: where to copy to; files that are there already are left as they are.
        leave: names of files at the top of `folder` to leave out.

    Returns:
        The weight files that stayed behind, relative to `folder`, in order.
    """
    behind = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(place) / name
            part = file.relative_to(folder)
            if name.startswith(".") or str(part) in leave or not file.is_file():
                continue
            if name.endswith(_WEIGHTS) or name.endswith(_INDEX):
                behind.append(str(part))
            elif not (out / part).exists():
                (out / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, out / part)
    return behind
