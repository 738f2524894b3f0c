"""A matrix in a folder of numbered `.npy` files, as clip-retrieval writes them: `img_emb_0.npy` and so on."""

import re
from itertools import count
from pathlib import Path

from relinkage.embeddings.stored import Stored, in_npy
from relinkage.errors import InputError

_NUMBERED = re.compile(r"(.*?)(\d+)\.npy")


def open_parts(folder: Path) -> Stored:
    """Return the rows of all parts, one part after the other in the order of their numbers.

    Args:
        folder: holds `.npy` files of one name but for the number before the ending, and none but these.

    Raises:
        InputError: there are none or others, a number is missing or occurs twice, a part is not a matrix of
            floating-point numbers that lies row by row, or parts differ in width or type.
        ValueError: a part is no `.npy` file.
    """
    files = _in_order(folder)
    parts = [in_npy(file) for file in files]
    for file, part in zip(files, parts, strict=True):
        if part is None:
            raise InputError(
                f"{file} is not a matrix of floating-point numbers that lies row by row; write float16, "
                "float32 or float64 with a row per vector."
            )
    whole = [part for part in parts if part is not None]
    for file, part in zip(files, whole, strict=True):
        if (part.width, part.kind) != (whole[0].width, whole[0].kind):
            raise InputError(
                f"{file} has rows of {part.width} numbers of type {part.kind} and {files[0].name} of "
                f"{whole[0].width} of type {whole[0].kind}; the parts of one array are alike."
            )
    return Stored(tuple(piece for part in whole for piece in part.pieces), whole[0].width, whole[0].kind)


def _in_order(folder: Path) -> list[Path]:
    found = sorted(file for file in folder.iterdir() if file.suffix == ".npy")
    matches = [_NUMBERED.fullmatch(file.name) for file in found]
    names = {None if match is None else match[1] for match in matches}
    if len(names) != 1 or None in names:
        raise InputError(
            f"{folder} is a folder; name an array file, or a folder whose .npy files are NAME0.npy, "
            "NAME1.npy and so on, and no others."
        )
    numbers = [int(match[2]) for match in matches if match is not None]
    lacking = next(number for number in count(min(*numbers, 1)) if number not in set(numbers))
    if lacking < max(numbers) or len(set(numbers)) < len(numbers):
        what = f"lacks the part {lacking}" if lacking < max(numbers) else "has a part twice"
        raise InputError(f"{folder} {what}, so its rows would not fit those of the other array; complete it.")
    return [file for _, file in sorted(zip(numbers, found, strict=True))]
