"""What the data port answers by an error: counts for metrics, and rare log lines.

Each is counted once, where it is decided that it is the answer: what fronts raise there, what is
refused before a front has it by the framing, and how a streaming call ends where it is told so.
"""

import logging
import time
from collections.abc import Callable

from seldon_core.errors import OverloadedError, SeldonError
from seldon_core.protocol.status import GRPC_CODES, status_of
from seldon_core.transport.grpc_frames import RefusedCallError
from seldon_core.transport.rare_log import RareLog

_logger = logging.getLogger(__name__)

_NO_ROOM = 503  # which the framing answers for nothing else


class Refusals:
    """Requests that were answered by an error, whatever became of their models' own counts.

    `counts` are by `rest` or `grpc` and the answer's code, "404" or "NotFound": of each no more
    than the table in `protocol/status.py` has and the framing adds. `clock` is in monotonic
    seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self._clock = clock
        self._overloads = RareLog()

    def rest(self, error: SeldonError) -> None:
        """Count a REST request that is answered by `error`."""
        lack = str(error) if isinstance(error, OverloadedError) else ""
        self._add("rest", str(status_of(error).http), lack)

    def rest_status(self, status: int, message: str) -> None:
        """Count a REST request that the framing answers by an HTTP status and a text."""
        self._add("rest", str(status), message if status == _NO_ROOM else "")

    def grpc(self, error: SeldonError) -> None:
        """Count a gRPC call, or a message of one, that is answered by `error`."""
        lack = str(error) if isinstance(error, OverloadedError) else ""
        self._add("grpc", GRPC_CODES[status_of(error).grpc], lack)

    def call(self, refusal: RefusedCallError) -> None:
        """Count a gRPC call that ends with `refusal`."""
        self._add("grpc", GRPC_CODES[refusal.code], refusal.message if refusal.lacks_room else "")

    def _add(self, method_type: str, code: str, lack: str) -> None:
        """Count one; `lack` is of what there was too little room, "" if that was not it."""
        key = (method_type, code)
        self.counts[key] = self.counts.get(key, 0) + 1
        if lack:
            others = self._overloads.due(self._clock())
            if others is not None:
                _logger.warning(
                    "refused a request for lack of room method_type=%s reason=%r others=%d",
                    method_type,
                    lack,
                    others,
                )
