"""The process that `apart` begins: reads DICOM files from its standard input, writes pixels to its output."""

import os
import sys

from relinkage.images.apart import ANSWER, LENGTH, read_exactly
from relinkage.images.limits import UnreadableImageError
from relinkage.images.opening import decode


def serve() -> None:
    """Decode one file after the other until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder prints must not come between the answers
    while True:
        try:
            (length,) = LENGTH.unpack(read_exactly(sys.stdin.buffer, LENGTH.size))
            content = read_exactly(sys.stdin.buffer, length)
        except EOFError:
            return
        try:
            image = decode(content)
            kind, size, answer = image.mode[:1].replace("R", "C"), image.size, image.tobytes()
        except UnreadableImageError as reason:
            kind, size, answer = "!", (0, 0), str(reason).encode()
        answers.write(ANSWER.pack(kind.encode(), *size, len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    serve()
