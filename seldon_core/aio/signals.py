"""How a process is told to stop, and to read its settings again."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable

_log = logging.getLogger(__name__)

_SAME_WISH_S = 0.3  # quicker than anybody presses Ctrl-C twice
_TERMINAL = "/dev/tty"


def stop_on_signals(on_reload: Callable[[], None] | None = None) -> asyncio.Event:
    """Return an event that the first SIGINT or SIGTERM sets; a second ends the process.

    SIGHUP has `on_reload` called. But it also comes when the terminal is closed in which the
    process was started: then, which is known by the terminal being gone, it stops the process as
    SIGTERM does, unless nohup(1) had it ignored.

    One that follows at once is the same wish: timeout(1), for example, signals its child and then
    the whole group, so the child gets two.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    first_at = 0.0

    def take(number: signal.Signals) -> None:
        nonlocal first_at
        if not stop.is_set():
            _log.info("stopping signal=%s", number.name)
            first_at = loop.time()
            stop.set()
        elif loop.time() - first_at > _SAME_WISH_S:
            # Not an exception: whatever is being waited for may be what hangs.
            os._exit(128 + number)

    ends_with_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and has_terminal()

    def hang_up() -> None:
        if ends_with_terminal and not has_terminal():
            take(signal.SIGHUP)
        elif on_reload is not None and not stop.is_set():
            on_reload()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, take, number)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    return stop


def has_terminal() -> bool:
    """Return whether the process has a terminal that it would hear of if it were closed."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
