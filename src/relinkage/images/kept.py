"""Values that are costly to make: made once, whichever threads ask for them, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from relinkage.images.limits import UnreadableImageError

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The values asked for last. A thread waits where another makes what it asks for."""

    def __init__(self, room: int) -> None:
        """Start empty.

        Args:
            room: values to keep.
        """
        self._room = room
        self._lock = Lock()
        self._values: OrderedDict[Hashable, Future[Value]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Give the value of a key; make it where it is not kept. What cannot be made is not kept.

        Raises:
            UnreadableImageError: `make` raised, in this thread or in the one that was waited for.
        """
        with self._lock:
            value = self._values.get(key)
            first = value is None
            if value is None:
                value = self._values[key] = Future()
                if len(self._values) > self._room:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
        if first:
            try:
                value.set_result(make())
            except BaseException as error:  # a waiting thread must never wait for ever
                with self._lock:
                    self._values.pop(key, None)
                value.set_exception(error)
        try:
            return value.result()
        except UnreadableImageError as reason:
            raise UnreadableImageError(str(reason)) from None
