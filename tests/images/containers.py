"""Containers of images as WebDataset and Hugging Face `datasets` write them."""

import tarfile
from io import BytesIO

import polars as pl
from PIL import Image


def png(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_tar(path, members, *, mode="w", kind=tarfile.GNU_FORMAT):
    """Write a tar file of (name, bytes) pairs."""
    with tarfile.open(path, mode, format=kind) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def image_table(contents, paths=None):
    """Make the table of an `Image` feature: structs of bytes and path."""
    paths = paths or [None] * len(contents)
    cells = [{"bytes": content, "path": path} for content, path in zip(contents, paths, strict=True)]
    schema = {"image": pl.Struct({"bytes": pl.Binary, "path": pl.String}), "text": pl.String}
    return pl.DataFrame({"image": cells, "text": ["a report"] * len(cells)}, schema=schema)


def write_stream(path, tables, compression="uncompressed"):
    """Write an Arrow IPC stream with a record batch a table; polars alone would write one batch."""
    end = b"\xff\xff\xff\xff" + bytes(4)
    content = b""
    for number, table in enumerate(tables):
        file = BytesIO()
        table.write_ipc_stream(file, compression=compression, compat_level=pl.CompatLevel.oldest())
        whole = file.getvalue()
        assert whole.endswith(end)
        schema = 8 + int.from_bytes(whole[4:8], "little")
        content += whole[schema if number else 0 : -len(end)]
    path.write_bytes(content + end)
    return path
