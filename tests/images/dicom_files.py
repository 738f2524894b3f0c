"""DICOM files as devices and archives write them: from scratch, compressed, damaged."""

import struct
from io import BytesIO

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

COMPRESSIONS = {
    "run lengths": RLELossless,
    "JPEG 2000": JPEG2000Lossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG lossless": JPEGLosslessSV1,
}
PATIENT = "Petra^Phrenic"


def data_set(pixels, *, bits=None, **attributes):
    """Make a data set of gray (rows, columns) or colour (rows, columns, 3) pixels; None leaves one out."""
    kind = pixels.dtype
    bits = bits or 8 * kind.itemsize
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = ComputedRadiographyImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid(entropy_srcs=["a"])
    data.PatientName = PATIENT
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8 * kind.itemsize, bits, bits - 1
    data.PixelRepresentation = int(kind.kind == "i")
    data.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    data["PixelData"].VR = "OB" if kind.itemsize == 1 else "OW"
    for name, value in attributes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    return data


def table(first, entries, bits):
    """Make the one item of a look-up table sequence."""
    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    item.add_new(0x00283006, "US", list(entries))
    return [item]


def written(data, **choices):
    """Give the bytes of a file."""
    file = BytesIO()
    data.save_as(file, enforce_file_format=True, **choices)
    return file.getvalue()


def dicom(pixels, **attributes):
    """Give the bytes of an uncompressed file."""
    return written(data_set(pixels, **attributes))


def compressed(pixels, compression, **attributes):
    """Give the bytes of a compressed file; the plug-ins write all but JPEG lossless."""
    data = data_set(pixels, **attributes)
    if compression != "JPEG lossless":
        data.compress(COMPRESSIONS[compression], generate_instance_uid=False)
    else:
        data.PixelData = encapsulate([jpeg_lossless(pixels, data.BitsStored)])
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    return written(data)


def jpeg_lossless(pixels, bits):
    """Write a lossless JPEG (ITU-T T.81 annex H) of gray pixels: predictor 1, all Huffman codes of 5 bits."""
    rows, columns = pixels.shape
    values = pixels.astype(np.int64)
    before = np.empty_like(values)
    before[:, 1:] = values[:, :-1]
    before[1:, 0] = values[:-1, 0]
    before[0, 0] = 1 << (bits - 1)
    stream = []
    for difference in (values - before).ravel().tolist():
        difference = (difference + 32768) % 65536 - 32768
        size = abs(difference).bit_length()
        stream.append(f"{size:05b}")
        if 0 < size < 16:
            stream.append(f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}")
    ones = "".join(stream)
    ones += "1" * (-len(ones) % 8)
    scan = int(ones, 2).to_bytes(len(ones) // 8, "big").replace(b"\xff", b"\xff\0")
    codes = bytes([0, 0, 0, 0, 17, *[0] * 11]) + bytes(range(17))
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc3" + struct.pack(">HBHHB3B", 11, bits, rows, columns, 1, 1, 0x11, 0),
            b"\xff\xc4" + struct.pack(">HB", 3 + len(codes), 0) + codes,
            b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, 0),
            scan,
            b"\xff\xd9",
        )
    )
