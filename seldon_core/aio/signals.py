"""How a process is told to stop."""

import asyncio
import logging
import os
import signal

_log = logging.getLogger(__name__)

_SAME_WISH_S = 0.3  # quicker than anybody presses Ctrl-C twice


def stop_on_signals() -> asyncio.Event:
    """Return an event that the first SIGINT, SIGTERM or SIGHUP sets; a second ends the process.

    SIGHUP comes when the terminal is closed, unless nohup(1) had it ignored.

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

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, take, number)
    return stop
