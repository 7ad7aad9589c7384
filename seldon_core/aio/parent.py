"""How a process ends with the one that started it, even if that one is killed."""

import ctypes
import os
import signal
import sys

from seldon_core.errors import ConfigError

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Have Linux kill this process when its parent, the process `parent`, ends for any reason.

    Raises ConfigError if that is not its parent: then it is gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Only now, since it may have ended before the wish was heard.
    if os.getppid() != parent:
        raise ConfigError(
            f"process {parent} was to be the parent of this one and is not: it has ended, or "
            "agent.parent is set by hand"
        )
