"""DICOM files: gray, colour, compressed, old, incomplete and hostile; the values on the screen by hand."""

import struct
import sys
import warnings
from unittest.mock import patch

import numpy as np
import pytest
from dicom_files import COMPRESSIONS, PATIENT, compressed, data_set, dicom, jpeg_lossless, table, written
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders import JPEG2000LosslessDecoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from relinkage.images import UnreadableImageError, open_image

RANDOM = np.random.default_rng(0)
TWELVE = (np.add.outer(np.arange(40) * 50, np.arange(48) * 45) % 4096).astype(np.uint16)
EIGHT = RANDOM.integers(0, 256, (40, 48), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (20, 24, 3), dtype=np.uint8)


@pytest.fixture
def opened(tmp_path):
    """Give a function that writes a file's bytes and opens them; any warning is an error."""

    def opened(content, name="image.dcm"):
        (tmp_path / name).write_bytes(content)
        return open_image(tmp_path / name, tmp_path)

    return opened


def stretched(values):
    values = values.astype(float)
    return np.rint((values - values.min()) / (values.max() - values.min()) * 255)


def corner(*values, kind=np.uint16):
    """An image whose first pixels have the values; the others have the first."""
    pixels = np.full((16, 16), values[0], kind)
    pixels[0, : len(values)] = values
    return pixels


def first(image, count):
    return np.asarray(image)[0, :count].tolist()


def test_gray_without_a_window_is_stretched(opened):
    image = opened(dicom(TWELVE, bits=12))
    assert image.mode == "L"
    assert np.array_equal(image, stretched(TWELVE))


def test_monochrome1_is_inverted(opened):
    pixels = corner(0, 1000, 4000)
    assert first(opened(dicom(pixels)), 3) == [0, 64, 255]
    assert first(opened(dicom(pixels, PhotometricInterpretation="MONOCHROME1")), 3) == [255, 191, 0]


def test_the_first_window_is_taken(opened):
    pixels = corner(0, 1000, 1500, 2000, 4095)
    image = opened(
        dicom(pixels, bits=12, WindowCenter=[1500, 1], WindowWidth=[1000, 2], VOILUTFunction="LINEAR_EXACT")
    )
    assert first(image, 5) == [0, 0, 128, 255, 255]


def test_rescaling_and_window_work_together_on_signed_values(opened):
    pixels = corner(-2000, 0, 500, 2000, kind=np.int16)
    image = opened(dicom(pixels, RescaleSlope=2, RescaleIntercept=-500, WindowCenter=0.5, WindowWidth=1001))
    # -4500, -500, 500 and 3500 in a LINEAR window from -500 to 500
    assert first(image, 4) == [0, 0, 255, 255]


def test_a_table_of_interest_goes_before_a_window(opened):
    pixels = corner(0, 1, 2, 3)
    image = opened(dicom(pixels, VOILUTSequence=table(1, [10, 20, 255], 8), WindowCenter=2, WindowWidth=2))
    assert first(image, 4) == [10, 10, 20, 255]


def test_a_modality_table_and_a_table_of_interest_follow_one_another(opened):
    pixels = corner(0, 1, 2)
    image = opened(
        dicom(
            pixels,
            ModalityLUTSequence=table(0, [2, 1, 0], 16),
            VOILUTSequence=table(0, [0, 100, 255], 8),
        )
    )
    assert first(image, 3) == [255, 100, 0]


def test_padding_is_left_out_of_the_stretch(opened):
    pixels = corner(-2048, 0, 50, 100, kind=np.int16)
    assert first(opened(dicom(pixels, PixelPaddingValue=-2048)), 4) == [0, 0, 128, 255]


def test_overlays_in_unused_bits_are_no_brightness(opened):
    pixels = TWELVE | (RANDOM.integers(0, 16, TWELVE.shape).astype(np.uint16) << 12)
    assert np.array_equal(opened(dicom(pixels, bits=12)), stretched(TWELVE))


def test_values_in_the_upper_bits_are_shifted_down(opened):
    pixels = TWELVE << 4
    image = opened(dicom(pixels, bits=12, HighBit=15, WindowCenter=2048, WindowWidth=4096))
    assert np.array_equal(image, np.rint(TWELVE / 4095 * 255))


def test_twelve_signed_bits_keep_their_sign(opened):
    signed = TWELVE.astype(np.int16) - 2048
    cut = (signed & 0xFFF).astype(np.uint16).view(np.int16)  # as devices write them: no sign above bit 11
    assert np.array_equal(opened(dicom(cut, bits=12)), stretched(signed))


def test_eight_bits_are_shown(opened):
    assert np.array_equal(opened(dicom(EIGHT, WindowCenter=128, WindowWidth=256)), EIGHT)


def test_of_several_frames_the_first_is_taken(opened):
    frames = np.stack([TWELVE, TWELVE[::-1], TWELVE // 2])
    assert np.array_equal(
        opened(dicom(TWELVE, NumberOfFrames=3, PixelData=frames.tobytes())), stretched(TWELVE)
    )
    # A wrong number of frames does not matter while the first is whole.
    assert np.array_equal(opened(dicom(TWELVE, NumberOfFrames=9)), stretched(TWELVE))


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_comes_as_it_is(opened, planar):
    laid = COLOUR.transpose(2, 0, 1) if planar else COLOUR
    image = opened(dicom(COLOUR, PlanarConfiguration=planar, PixelData=laid.tobytes()))
    assert image.mode == "RGB"
    assert np.array_equal(image, COLOUR)


def test_brightness_and_colour_differences_become_rgb(opened):
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., :] = (100, 128, 228)  # Y, Cb, Cr; PS3.3 C.7.6.3.1.2: R = Y + 1.402 (Cr - 128), G, B
    image = opened(dicom(pixels, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(np.asarray(image)[0, 0].astype(int) - [240, 29, 100]).max() <= 1


def test_a_palette_is_looked_up(opened):
    names = ("Red", "Green", "Blue")
    descriptors = {f"{name}PaletteColorLookupTableDescriptor": [3, 0, 16] for name in names}
    entries = {
        f"{name}PaletteColorLookupTableData": struct.pack("<3H", *(value << 8 for value in values))
        for name, values in zip(names, ([0, 10, 20], [30, 40, 50], [60, 70, 80]), strict=True)
    }
    image = opened(
        dicom(
            corner(0, 1, 2, kind=np.uint8),
            PhotometricInterpretation="PALETTE COLOR",
            **descriptors,
            **entries,
        )
    )
    assert first(image, 3) == [[0, 30, 60], [10, 40, 70], [20, 50, 80]]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_compressed_without_loss_is_as_if_it_were_not(opened, compression, bits):
    pixels = EIGHT if bits == 8 else TWELVE * (1 if bits == 12 else 16)
    window = {"WindowCenter": 1 << (bits - 1), "WindowWidth": 1 << bits}
    image = opened(compressed(pixels, compression, bits=bits, **window))
    assert np.array_equal(image, opened(dicom(pixels, bits=bits, **window)))


def test_a_compressed_size_that_the_header_understates_is_the_true_one(opened):
    data = data_set(TWELVE, bits=12)
    data.compress(JPEG2000Lossless, generate_instance_uid=False)
    data.Rows = data.Columns = 17
    assert opened(written(data)).size == (48, 40)


def stated_as(pixels, compression, stream_bits, allocated, stored):
    """Compress pixels of some bits, and state others in the header."""
    data = data_set(pixels, bits=stream_bits)
    if compression == "JPEG lossless":
        data.PixelData = encapsulate([jpeg_lossless(pixels, stream_bits)])
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = COMPRESSIONS[compression]
    else:
        data.compress(COMPRESSIONS[compression], generate_instance_uid=False)
    data.BitsAllocated, data.BitsStored, data.HighBit = allocated, stored, stored - 1
    return written(data)


@pytest.mark.parametrize("compression", ["JPEG 2000", "JPEG-LS", "JPEG lossless"])
@pytest.mark.parametrize("stated", [(8, 8), (16, 8), (16, 12), (16, 16)])
def test_the_depth_is_that_of_the_compressed_image(opened, compression, stated):
    for bits, pixels in ((8, EIGHT), (12, TWELVE), (16, TWELVE * 16)):
        assert np.array_equal(opened(stated_as(pixels, compression, bits, *stated)), stretched(pixels)), bits


def test_signed_values_of_fewer_bits_than_their_container_keep_their_sign(opened):
    signed = TWELVE.astype(np.int16) - 2048
    content = stated_as((signed & 0xFFF).astype(np.uint16), "JPEG-LS", 16, 16, 12)
    unsigned = bytes.fromhex("28000301") + b"US\x02\0\0\0"  # PixelRepresentation
    assert content.count(unsigned) == 1
    assert np.array_equal(opened(content.replace(unsigned, unsigned[:-2] + b"\1\0")), stretched(signed))


def test_compressed_colour_is_not_darkened_by_a_header_of_more_bits(opened):
    pixels = np.tile(COLOUR, (4, 4, 1))
    data = data_set(pixels)
    data.compress(JPEG2000Lossless, generate_instance_uid=False)
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    assert np.array_equal(opened(written(data)), pixels)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressed_pixels_without_their_closing_delimiter_are_read(opened, compression):
    content = compressed(TWELVE, compression, bits=12)
    end = content.rindex(b"\xfe\xff\xdd\xe0")
    assert np.array_equal(opened(content[:end]), stretched(TWELVE))
    for cut in (9, 100):
        with pytest.raises(UnreadableImageError, match=r"cut off|cannot be decoded"):
            opened(content[: end - cut])


@pytest.mark.parametrize("compression", ["JPEG-LS", "JPEG lossless", "JPEG 2000"])
def test_a_frame_that_is_cut_off_inside_of_a_whole_file_is_refused(opened, compression):
    data = data_set(TWELVE, bits=12)
    whole = compressed(TWELVE, compression, bits=12)
    start = whole.index(b"\xff\x4f\xff\x51" if compression == "JPEG 2000" else b"\xff\xd8")
    frame = whole[start : whole.rindex(b"\xff\xd9") + 2]
    data.file_meta.TransferSyntaxUID = COMPRESSIONS[compression]
    for part, cut in ((frame, False), (frame + b"\0" * 64, False), (frame[:-2], True), (frame[:-40], True)):
        data.PixelData = encapsulate([part])
        data["PixelData"].is_undefined_length = True
        if cut:
            with pytest.raises(UnreadableImageError, match="the DICOM image is cut off"):
                opened(written(data))
        else:
            assert np.array_equal(opened(written(data)), stretched(TWELVE))


def test_the_first_of_several_frames_is_read_where_a_later_one_is_cut_off(opened):
    whole = compressed(TWELVE, "JPEG 2000", bits=12)
    frame = whole[whole.index(b"\xff\x4f\xff\x51") : whole.rindex(b"\xff\xd9") + 2]
    data = data_set(TWELVE, bits=12, NumberOfFrames=2)
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless
    data.PixelData = encapsulate([frame, frame])
    data["PixelData"].is_undefined_length = True
    assert np.array_equal(opened(written(data)[:-50]), stretched(TWELVE))


BIG = ExplicitVRBigEndian
LITTLE = ExplicitVRLittleEndian


def in_order(syntax, values):
    """Give words as the bytes of a file in that byte order."""
    return np.asarray(values, ">u2" if syntax == BIG else "<u2").tobytes()


@pytest.mark.parametrize("syntax", [LITTLE, BIG])
@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
@pytest.mark.parametrize("bits", [8, 12])
def test_tables_of_words_are_read_in_the_byte_order_of_the_file(opened, syntax, sequence, bits):
    entries = (TWELVE.max() - np.arange(4096)) >> (12 - bits) if bits == 8 else 4095 - np.arange(4096)
    entries = np.clip(entries, 0, (1 << bits) - 1).astype(np.uint16)
    packed = entries.astype(np.uint8).view("<u2") if bits == 8 else entries  # two of 8 bits in a word
    data = data_set(TWELVE, bits=12, PixelData=in_order(syntax, TWELVE))
    data.file_meta.TransferSyntaxUID = syntax
    item = Dataset()
    item.add_new(0x00283002, "US", [4096, 0, bits])
    item.add_new(0x00283006, "OW", in_order(syntax, packed))
    setattr(data, sequence, [item])
    wanted = entries[TWELVE]
    whole = wanted / ((1 << bits) - 1) * 255 if sequence == "VOILUTSequence" else stretched(wanted)
    assert np.array_equal(opened(written(data)), np.rint(whole))


@pytest.mark.parametrize("syntax", [LITTLE, BIG])
@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_are_read_in_the_byte_order_of_the_file(opened, syntax, bits):
    places = np.arange(256, dtype=np.uint8).reshape(16, 16)
    palette = RANDOM.integers(0, 1 << bits, (3, 256)).astype(np.uint16)
    data = data_set(places, PhotometricInterpretation="PALETTE COLOR")
    data.file_meta.TransferSyntaxUID = syntax
    for name, values in zip(("Red", "Green", "Blue"), palette, strict=True):
        words = values if bits == 16 else values.astype(np.uint8).view("<u2")
        setattr(data, f"{name}PaletteColorLookupTableDescriptor", [256, 0, bits])
        setattr(data, f"{name}PaletteColorLookupTableData", in_order(syntax, words))
        data[f"{name}PaletteColorLookupTableData"].VR = "OW"
    assert np.array_equal(opened(written(data)), (palette >> (bits - 8)).T[places])


@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_eight_bits_of_a_big_endian_file_lie_in_bytes_or_in_words(opened, vr):
    pixels = RANDOM.integers(0, 256, (17, 19), dtype=np.uint8)
    pixels[0, :2] = 0, 255
    content = pixels.tobytes() + b"\0"
    data = data_set(pixels, PixelData=content if vr == "OB" else in_order(BIG, np.frombuffer(content, "<u2")))
    data["PixelData"].VR = vr
    data.file_meta.TransferSyntaxUID = BIG
    assert np.array_equal(opened(written(data)), pixels)


@pytest.mark.parametrize("syntax", [LITTLE, BIG])
@pytest.mark.parametrize(("name", "kind"), [("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")])
def test_floating_point_pixels_are_stretched(opened, syntax, name, kind):
    values = RANDOM.normal(size=(16, 20))
    values[0, :4] = -100, np.nan, np.inf, 7  # padding, and what is not a number
    stored = values.astype(kind).astype(float)
    data = data_set(EIGHT[:16, :20], PixelData=None, FloatPixelPaddingValue=-100.0)
    data.file_meta.TransferSyntaxUID = syntax
    setattr(data, name, values.astype((">" if syntax == BIG else "<") + kind).tobytes())
    told = np.isfinite(stored) & (stored != -100)
    low = stored[told].min()
    wanted = np.where(told, np.rint(np.where(told, stored - low, 0) / (7 - low) * 255), 0)
    assert np.array_equal(opened(written(data)), wanted)
    data.RescaleSlope, data.RescaleIntercept = 2, 10
    data.WindowCenter, data.WindowWidth, data.VOILUTFunction = 10, 4, "LINEAR_EXACT"
    image = np.asarray(opened(written(data)))
    assert image[0, :4].tolist() == [0, 0, 0, 255]
    assert np.array_equal(image[1:], np.rint(np.clip(stored[1:] * 2 / 4 + 0.5, 0, 1) * 255))
    setattr(data, name, getattr(data, name)[:-2])
    with pytest.raises(UnreadableImageError, match="cut off"):
        opened(written(data))


def test_other_byte_orders_and_encodings_are_read(opened):
    data = data_set(TWELVE, bits=12)
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert np.array_equal(opened(written(data)), stretched(TWELVE))
    data = data_set(TWELVE, bits=12, PixelData=TWELVE.astype(">u2").tobytes())
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert np.array_equal(opened(written(data)), stretched(TWELVE))


@pytest.mark.parametrize("begins_with", ["meta", "data"])
def test_a_missing_preamble_is_no_matter(opened, begins_with):
    content = dicom(TWELVE, bits=12)
    start = 132 if begins_with == "meta" else content.index(b"\x08\0\x16\0UI")
    assert np.array_equal(opened(content[start:], name="old"), stretched(TWELVE))


@pytest.mark.parametrize(
    "absent",
    [
        "PhotometricInterpretation",
        "SamplesPerPixel",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
    ],
)
def test_an_absent_attribute_gets_its_usual_value(opened, absent):
    assert np.array_equal(opened(dicom(TWELVE, **{absent: None})), stretched(TWELVE))


@pytest.mark.parametrize(
    "senseless",
    [
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100},
        {"WindowCenter": 100, "WindowWidth": -5},
        {"RescaleSlope": 0},
        {"VOILUTSequence": []},
        {"NumberOfFrames": 0},
        {"HighBit": 99},
        {"BitsStored": 77},
    ],
)
def test_a_senseless_attribute_is_as_if_it_were_not_there(opened, senseless):
    assert np.array_equal(opened(dicom(TWELVE, **senseless)), stretched(TWELVE))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (dicom(TWELVE, Rows=None), "holds no image"),
        (dicom(TWELVE, PixelData=None), "holds no image"),
        (dicom(TWELVE, Rows=60_000, Columns=60_000), "too many pixels"),
        (dicom(TWELVE, Rows=0), "too small"),
        (dicom(TWELVE)[:-200], "decoded|cut off|holds no image"),
        (dicom(TWELVE, PixelData=TWELVE.tobytes()[:-2]), "cut off"),
        (dicom(TWELVE)[:140], "holds no image|decoded"),
        (b"\0" * 128 + b"DICM", "holds no image"),
    ],
    ids=range(8),
)
def test_what_no_pixels_can_be_made_of_is_refused(opened, content, reason):
    with pytest.raises(UnreadableImageError, match=reason) as refused:
        opened(content)
    assert PATIENT not in str(refused.value)


def test_a_compressed_bomb_behind_a_small_header_is_refused(opened):
    small = compressed(EIGHT, "JPEG 2000")
    start = small.index(b"\xff\x4f\xff\x51")
    bomb = bytearray(small)
    struct.pack_into(">2I", bomb, start + 8, 60_000, 60_000)
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        opened(bytes(bomb))
    data = data_set(EIGHT)
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    frame = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB3B", 11, 8, 60_000, 60_000, 1, 1, 0x11, 0) + b"\xff\xd9"
    data.PixelData = encapsulate([frame])
    data["PixelData"].is_undefined_length = True
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        opened(written(data))


def test_a_deflated_file_is_refused_before_it_is_inflated(opened):
    data = data_set(EIGHT)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(UnreadableImageError, match="deflated"):
        opened(written(data))


def test_without_pydicom_the_message_says_what_to_install(opened):
    with (
        patch.dict(sys.modules, {"pydicom": None}),
        pytest.raises(UnreadableImageError, match=r"DICOM, which needs pip install 'relinkage\[dicom\]'"),
    ):
        opened(dicom(EIGHT))


def test_without_a_plug_in_the_message_names_the_compression_and_what_to_install(opened):
    with (
        patch.object(JPEG2000LosslessDecoder, "_available", {}),
        pytest.raises(UnreadableImageError, match=r"JPEG 2000, which needs pip install 'relinkage\[dicom\]'"),
    ):
        opened(compressed(EIGHT, "JPEG 2000"))


def test_oddities_of_a_file_warn_nobody_for_pydicom_quotes_them(opened, capfd):
    damaged = dicom(EIGHT).replace(b"1.2.840.10008.1.2.1\0", PATIENT.encode() + b"       ", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnreadableImageError) as refused:
            opened(damaged)
    assert PATIENT not in str(refused.value)
    assert capfd.readouterr() == ("", "")
