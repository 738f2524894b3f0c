"""Ray, where it is asked for: in a process of its own, its failures in one sentence.

Ray prints what befalls its workers to the standard output of the process that asks it, and ends that process,
without a word, when its own node dies. So that process is another one (`cluster_process.py`), which this one
talks to through a pipe: standard output stays ours, and what dies there is the end of a pipe here.
"""

import atexit
import importlib.util
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from relinkage.errors import InputError

RETRIES = 5
"""How often a task is repeated whose worker died; what kills six workers is not the workers' fault."""
_COMMAND = (sys.executable, "-P", "-m", "relinkage.cluster_process")
_SHORT = 40
"""Characters that the path of temporary folders may have, for the names of sockets below it are bounded."""
_LAST_WORDS = 30
"""How often the folder of a Ray is removed that is still written to, a tenth of a second apart."""
_starting = threading.Lock()
_connected: "dict[str, Connection]" = {}


@dataclass(frozen=True)
class Held:
    """Something that Ray holds for its workers."""

    number: int


class Connection:
    """A process that talks to a Ray.

    Args:
        address: `ray` for one on this machine, or `ray://HOST:PORT`.

    Attributes:
        cores: processor cores of all workers.
        gpus: their GPUs.

    Raises:
        InputError: the Ray cannot be reached.
    """

    def __init__(self, address: str) -> None:
        from ray import cloudpickle  # by value what only this program knows

        self._dumps = cloudpickle.dumps
        self._address = address
        self._turn = threading.Lock()
        # A Ray of our own writes there, and nobody else may look into it.
        short = len(tempfile.gettempdir()) <= _SHORT
        self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir=None if short else "/tmp"))
        self._process = subprocess.Popen(
            (*_COMMAND, self._folder),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us to pass on
        )  # fmt: skip
        self.open = True
        try:
            self.cores, self.gpus = self._ask("connect", sys.path, address)
        except InputError:
            raise InputError(
                f"--engine {address} cannot be reached; give the address of a Ray head of the same version, "
                "such as ray://host:10001."
            ) from None

    def put(self, thing: Any) -> Held:
        """Give something to Ray once, for any number of tasks."""
        return Held(self._ask("put", thing))

    def forget(self, held: Held) -> None:
        """Let go what Ray holds, once the tasks that need it are done."""
        with suppress(InputError):  # a Ray that died holds nothing
            self._ask("forget", held)

    def submit(self, work: Callable[..., Any], *given: Any, cores: int = 1, gpus: int = 0) -> int:
        """Have a worker call a function; return the task's number.

        Args:
            work: the function, of a module that workers can import too.
            *given: its arguments; for what is `Held` the worker gets the thing, inside a list a reference.
            cores: cores that the task takes.
            gpus: GPUs that it takes.
        """
        number: int = self._ask("submit", work, given, cores, gpus, RETRIES)
        return number

    def wait(self, tasks: Collection[int]) -> tuple[int, Any]:
        """Return the number and the answer of one of several tasks, whichever is done first.

        Raises:
            InputError: the task failed, or Ray died.
        """
        number, answer = self._ask("wait", list(tasks))
        return number, answer

    def cancel(self, tasks: Iterable[int]) -> None:
        """Give up tasks that nobody waits for any more."""
        with suppress(InputError):
            self._ask("cancel", list(tasks))

    def close(self) -> None:
        """End the process, and a Ray of its own with it."""
        self.open = False
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for _ in range(_LAST_WORDS):  # what Ray began dies with it, and writes until then
            shutil.rmtree(self._folder, ignore_errors=True)
            if not self._folder.exists():
                return
            time.sleep(0.1)

    def _ask(self, what: str, *given: Any) -> Any:
        content = self._dumps(given)
        with self._turn:
            if not self.open:
                self._died()
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            try:
                pickle.dump((what, content), self._process.stdin)
                self._process.stdin.flush()
                outcome, answer = pickle.load(self._process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                self.close()
                self._died()
            except BaseException:  # half an answer may be left in the pipe
                self.close()
                raise
        if outcome == "refused":
            raise InputError(answer)
        if outcome == "failed":
            raise InputError(
                f"A worker of --engine {self._address} failed ({answer}); the same command resumes after "
                "what is finished, also without --engine."
            )
        return pickle.loads(answer)

    def _died(self) -> NoReturn:
        raise InputError(
            f"The Ray of --engine {self._address} died or was ended from elsewhere; the same command resumes "
            "after what is finished, also without --engine."
        ) from None


def connect(address: str) -> Connection:
    """Start a Ray on this machine, or connect to a cluster; once for each address.

    Args:
        address: `ray` or `ray://HOST:PORT`.

    Raises:
        InputError: Ray is not installed or cannot be reached.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError(f"--engine {address} needs Ray; install it with `pip install 'relinkage[cluster]'`.")
    with _starting:
        found = _connected.get(address)
        if found is None or not found.open:
            found = _connected[address] = Connection(address)
        return found


@atexit.register
def disconnect() -> None:
    """End all connections, and what was started for them."""
    for connection in _connected.values():
        if connection.open:
            connection.close()
    _connected.clear()
