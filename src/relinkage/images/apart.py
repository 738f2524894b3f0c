"""DICOM decoded in processes of their own.

The plug-ins for JPEG 2000, JPEG-LS and lossless JPEG keep Python's lock while they decode, a second for a
radiograph: no other thread, the encoder's above all, could take a step. And they are C code that reads
damaged files: what crashes is then not the run. PNG, JPEG and arrays let the lock go, so threads do for them.
"""

import struct
import subprocess
import sys
from contextlib import suppress
from threading import Lock, local
from typing import IO

from PIL import Image

from relinkage.images.limits import UnreadableImageError
from relinkage.images.opening import decode

LENGTH = struct.Struct("<Q")
ANSWER = struct.Struct("<cIIQ")
"""Of an image: `L` or `C` for colour, its width and height, and its bytes; `!` begins a reason instead."""
_COMMAND = (sys.executable, "-P", "-m", "relinkage.images.worker")


class DecodingApart:
    """Decodes images for many threads, each with a process of its own for DICOM, begun when it is needed."""

    def __init__(self) -> None:
        self._mine = local()
        self._lock = Lock()
        self._all: list[_Worker] = []

    def decode(self, content: bytes) -> Image.Image:
        """Decode the bytes of an image as `opening.decode` does.

        Raises:
            UnreadableImageError: as there; also where the decoder crashed.
        """
        return decode(content, decode_dicom=self._decode)

    def close(self) -> None:
        """End the processes; to be called when no thread opens images any more."""
        with self._lock:
            for worker in self._all:
                worker.end()
            self._all.clear()

    def _decode(self, content: bytes) -> Image.Image:
        worker: _Worker | None = getattr(self._mine, "worker", None)
        if worker is None:
            worker = self._mine.worker = _Worker()
            with self._lock:
                self._all.append(worker)
        return worker.decode(content)


class _Worker:
    """One process, used by one thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, content: bytes) -> Image.Image:
        if self._process is None:
            self._process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(LENGTH.pack(len(content)) + content)
            self._process.stdin.flush()
            kind, width, height, length = ANSWER.unpack(read_exactly(self._process.stdout, ANSWER.size))
            answer = read_exactly(self._process.stdout, length)
        except (OSError, EOFError):
            self.end()
            raise UnreadableImageError("the image makes its decoder crash") from None
        if kind == b"!":
            raise UnreadableImageError(answer.decode())
        return Image.frombytes("L" if kind == b"L" else "RGB", (width, height), answer)

    def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def read_exactly(stream: IO[bytes], length: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: the stream ends before.
    """
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content
