"""What the fronts of the data port answer by an error: counts for metrics, and rare log lines."""

import logging
import time
from collections.abc import Callable

from seldon_core.errors import OverloadedError, SeldonError
from seldon_core.protocol.status import GRPC_CODES, status_of
from seldon_core.transport.shared import RareLog

_logger = logging.getLogger(__name__)


class Refusals:
    """Requests that were answered by an error, whatever became of their models' own counts.

    `counts` are by `rest` or `grpc` and the answer's code, "404" or "NotFound": of each no more
    than the table in `protocol/status.py` has. `clock` is in monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self._clock = clock
        self._overloads = RareLog()

    def rest(self, error: SeldonError) -> None:
        """Count a REST request that is answered by `error`."""
        self._add("rest", str(status_of(error).http), error)

    def grpc(self, error: SeldonError) -> None:
        """Count a gRPC call that ends with `error`."""
        self._add("grpc", GRPC_CODES[status_of(error).grpc], error)

    def grpc_code(self, code: int) -> None:
        """Count a gRPC call that ends with a code for which there is no error of ours."""
        self._add("grpc", GRPC_CODES[code], None)

    def _add(self, method_type: str, code: str, error: SeldonError | None) -> None:
        key = (method_type, code)
        self.counts[key] = self.counts.get(key, 0) + 1
        if isinstance(error, OverloadedError):
            others = self._overloads.due(self._clock())
            if others is not None:
                _logger.warning(
                    "refused a request for lack of room method_type=%s reason=%r others=%d",
                    method_type,
                    str(error),
                    others,
                )
