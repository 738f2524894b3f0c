"""Work in a process that is killed at a chosen moment."""

import os
import signal
import sys


def survives(step, work):
    """Do some work in a process that is killed just before its change number `step` on disk."""
    child = os.fork()
    if child == 0:
        changes = []

        def watch(event, _):
            if event in ("os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir"):
                changes.append(event)
                if len(changes) == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(watch)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status == 0
