"""Ray, where it is asked for: connected to once, its failures in one sentence."""

import os
import threading
from typing import Any

from relinkage.errors import InputError

RETRIES = 5
"""How often a task is repeated whose worker died; what kills six workers is not the workers' fault."""
_starting = threading.Lock()


def connect(address: str) -> Any:
    """Start a Ray on this machine, or connect to a cluster; give the module.

    Args:
        address: `ray` or `ray://HOST:PORT`.

    Raises:
        InputError: Ray is not installed or cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError(
            f"--engine {address} needs Ray; install it with `pip install 'relinkage[cluster]'`."
        ) from None
    with _starting:
        if ray.is_initialized():
            return ray
        # Nothing is told to anyone. It stays set, as Ray also looks there when it starts a process later on.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        try:
            if address == "ray":
                ray.init(address="local", include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
        except Exception as error:  # where a node does not come up in time, Ray raises nothing narrower
            raise InputError(
                f"--engine {address} cannot be reached ({type(error).__name__}); give the address of a Ray "
                "head of the same version, such as ray://host:10001."
            ) from None
    return ray


def failure(error: Exception) -> InputError:
    """Say what stopped a task: an error of ours as it was, any other by its name.

    Args:
        error: what Ray raised.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, InputError):
        return cause
    return InputError(
        f"A worker of --engine ray failed ({type(error).__name__}); see Ray's log, and the same command "
        "resumes after what is finished."
    )
