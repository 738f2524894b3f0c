"""The process that `cluster` begins: takes orders from its standard input, and has Ray carry them out."""

import os
import pickle
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

from relinkage.cluster import Held
from relinkage.errors import InputError

_LOOK = 1.0
"""Seconds after which a wait looks whether who asked is still there."""
_PATIENCE = 10
"""Seconds for which the head of a Ray of our own may not answer."""


class _LeftError(Exception):
    """Who asked is gone."""


class _Orders:
    """What may be asked, a method each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent = os.getppid()
        self._ray: Any = None
        self._held: dict[int, Any] = {}
        self._tasks: dict[int, Any] = {}
        self._last = 0

    def connect(self, path: list[str], address: str) -> tuple[int, int]:
        sys.path[:] = path
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))  # workers import what we can
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anyone
        quiet = {"logging_level": "ERROR", "log_to_driver": False}
        if address == "ray":
            _lock_up(self._folder)
            inside = self._folder / "r"  # Ray opens its folder to everybody, and the one above stays shut
            import ray

            # Ray listens on all interfaces unless it takes this machine for one that makes no cluster.
            ray._private.ray_constants.ENABLE_RAY_CLUSTER = False
            ray.init(
                address="local",
                include_dashboard=False,
                _temp_dir=str(inside),
                _system_config={"gcs_rpc_server_reconnect_timeout_s": _PATIENCE},
                **quiet,
            )
        else:
            import ray

            ray.init(address=address, **quiet)
        self._ray = ray
        there = ray.cluster_resources()
        return int(there.get("CPU", 1)), int(there.get("GPU", 0))

    def put(self, thing: Any) -> int:
        self._last += 1
        self._held[self._last] = self._ray.put(thing)
        return self._last

    def forget(self, held: Held) -> None:
        self._held.pop(held.number, None)

    def submit(self, work: Any, given: tuple[Any, ...], cores: int, gpus: int, retries: int) -> int:
        task = self._ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=retries)(work)
        self._last += 1
        self._tasks[self._last] = task.remote(*map(self._reference, given))
        return self._last

    def wait(self, numbers: list[int]) -> tuple[int, Any]:
        waiting = {self._tasks[number]: number for number in numbers}
        while True:
            done, _ = self._ray.wait(list(waiting), num_returns=1, timeout=_LOOK)
            if os.getppid() != self._parent:
                raise _LeftError
            if done:
                number = waiting[done[0]]
                return number, self._ray.get(self._tasks.pop(number))

    def cancel(self, numbers: list[int]) -> None:
        for number in numbers:
            self._ray.cancel(self._tasks.pop(number), force=False)

    def end(self) -> None:
        if self._ray is not None:
            self._ray.shutdown()

    def _reference(self, given: Any) -> Any:
        if isinstance(given, Held):
            return self._held[given.number]
        return [self._reference(part) for part in given] if isinstance(given, list) else given


def _lock_up(folder: Path) -> None:
    """Have Ray ask for a token that stands in a file which only this user can read."""
    token = folder / "token"
    with os.fdopen(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    os.environ.pop("RAY_AUTH_TOKEN", None)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    os.umask(0o077)


def serve(folder: Path) -> None:
    """Carry out one order after the other until the input ends.

    Args:
        folder: where a Ray of our own may write; removed in the end.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Ray prints must not come between the answers
    orders = _Orders(folder)
    try:
        while True:
            what, content = pickle.load(sys.stdin.buffer)
            pickle.dump(_answer(orders, what, content), answers)
            answers.flush()
    except (EOFError, OSError, _LeftError):
        orders.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answer(orders: _Orders, what: str, content: bytes) -> tuple[str, Any]:
    try:
        answer = getattr(orders, what)(*pickle.loads(content))
    except _LeftError:
        raise
    except Exception as error:
        cause = getattr(error, "cause", None)  # of an error of ours at a worker
        if isinstance(cause, InputError):
            return "refused", cause.on_command_line
        return "failed", type(error).__name__
    from ray import cloudpickle

    return "value", cloudpickle.dumps(answer)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
