"""Words in the byte order of a big-endian DICOM file, which pydicom hands on as bytes (`OW`, PS3.5 7.3)."""

from typing import Any

import numpy as np

_WORDS = (
    "LUTData",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
)
_SEQUENCES = ("ModalityLUTSequence", "VOILUTSequence")


def make_little_endian(data: Any) -> None:
    """Turn the words of look-up tables as if the file were little-endian; pixels pydicom turns itself.

    Entries of 8 bits lie two in a word, the first in its lower byte, so they come in order too.

    Args:
        data: a pydicom data set.
    """
    if data.original_encoding[1] is not False:
        return
    items = [item for name in _SEQUENCES for item in data.get(name) or ()]
    for each in (data, *items):
        for element in (each[name] for name in _WORDS if name in each):
            if element.VR == "OW" and isinstance(element.value, bytes):
                words = element.value[: len(element.value) // 2 * 2]
                element.value = np.frombuffer(words, ">u2").astype("<u2").tobytes()
