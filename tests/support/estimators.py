"""Estimators for tests of worker processes, which import this module to read them."""

import os
import signal
import time
from pathlib import Path


class Worker:
    """Doubles rows, or does what the first value asks for. Values that probes never have."""

    KILL, SLEEP, FAIL, PID = 90.0, 91.0, 92.0, 93.0

    def predict(self, rows):
        """Answer `rows * 2`, unless the first value is one of the words above."""
        match float(rows[0, 0]):
            case self.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case self.SLEEP:
                time.sleep(60)
            case self.FAIL:
                raise ValueError("the model's own words")
            case self.PID:
                return rows[:, :1] * 0 + os.getpid()
        return rows * 2


class ByItsBatch:
    """Its answer depends on the other rows."""

    def predict(self, rows):
        """Answer each row's first value less the mean of them."""
        return rows[:, 0] - rows[:, 0].mean()


class KillsItsReader(Worker):
    """Kills the process that reads it, once the file `flag` exists."""

    def __init__(self, flag):
        self.flag = str(flag)

    def __setstate__(self, state):
        self.__dict__.update(state)
        if Path(self.flag).exists():
            os.kill(os.getpid(), signal.SIGKILL)
