"""The little of FlatBuffers that the headers of Arrow IPC messages need."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table inside of a buffer (FlatBuffers internals, "Tables"). Every read may raise `struct.error`.

    Attributes:
        data: the buffer.
        place: the table's first byte.
    """

    data: bytes
    place: int

    @classmethod
    def root(cls, data: bytes) -> "Table":
        """Give the table that a buffer begins with."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def integer(self, field: int, form: str) -> int:
        """Give a number, 0 where the field is absent.

        Args:
            field: its number in the schema.
            form: as in `struct`.
        """
        place = self._field(field)
        return 0 if place is None else int(struct.unpack_from(f"<{form}", self.data, place)[0])

    def table(self, field: int) -> "Table | None":
        """Give the table that a field points to, None where the field is absent."""
        place = self._field(field)
        return None if place is None else Table(self.data, self._target(place))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """Give a vector of structs of two int64, empty where the field is absent."""
        place = self._field(field)
        if place is None:
            return []
        start = self._target(place)
        (length,) = struct.unpack_from("<I", self.data, start)
        if start + 4 + 16 * length > len(self.data):
            raise ValueError("a vector that is longer than the buffer")
        numbers = struct.unpack_from(f"<{2 * length}q", self.data, start + 4)
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def _target(self, place: int) -> int:
        return place + int(struct.unpack_from("<I", self.data, place)[0])

    def _field(self, field: int) -> int | None:
        (back,) = struct.unpack_from("<i", self.data, self.place)
        shape = self.place - back
        if shape < 0:
            raise ValueError("a table without a shape")
        (size,) = struct.unpack_from("<H", self.data, shape)
        if 4 + 2 * field + 2 > size:
            return None
        (offset,) = struct.unpack_from("<H", self.data, shape + 4 + 2 * field)
        return self.place + offset if offset else None
