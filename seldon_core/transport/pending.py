"""One unary request to another process, from the moment it is sent to its answer."""

from asyncio import AbstractEventLoop

import numpy as np

from seldon_core.aio.start import waiter_for
from seldon_core.errors import OverloadedError, SeldonError, UpstreamError
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.grpc_frames import PREFIX_LENGTH
from seldon_core.transport.receiver import Headers
from seldon_core.transport.settings import KIB

_LARGE = 64 * KIB
"""From here on an answer is received into one buffer, and counted in the budget."""

_FULL = "too many bytes are in flight on this server; try again later"


class Pending:
    """The receiver of a whole answer: await `answered`, then read the rest.

    `status` is HTTP's. `body` is the answer's, in as many parts as it came; a large one of known
    length is one part, which was copied once. Who awaits resets
    the stream if it ends otherwise. What was counted in `budget` is given back by `release`.
    """

    __slots__ = (
        "_budget",
        "_filled",
        "_held",
        "_is_grpc",
        "_whole",
        "answered",
        "body",
        "headers",
        "trailers",
    )

    def __init__(
        self,
        loop: AbstractEventLoop,
        budget: InFlightBytes,
        *,
        is_grpc: bool,
    ) -> None:
        self.answered = waiter_for(loop)
        self.headers: Headers = ()
        self.trailers: Headers = ()
        self.body: list[Buffer] = []
        self._budget = budget
        self._is_grpc = is_grpc
        self._held = 0
        self._whole: memoryview | None = None
        self._filled = 0

    def release(self) -> None:
        """Give back what the answer took of the budget: whoever has it counts it from here on."""
        if self._held:
            self._budget.give(self._held)
            self._held = 0

    def on_head(self, headers: Headers, has_ended: bool) -> None:
        """Take the header block."""
        self.headers = headers
        if has_ended:
            self._answer()
        elif not self._is_grpc:
            for name, value in headers:
                if name == b"content-length":
                    self._expect(int(value) if value.isdigit() else 0)

    def on_data(self, data: bytes, has_ended: bool) -> bool:
        """Take a piece of the body; small ones that come whole cost nothing more."""
        if has_ended and not self.body and self._whole is None:
            self.body.append(data)
            self._answer()
            return True
        if self._is_grpc and not self.body and self._whole is None and len(data) >= PREFIX_LENGTH:
            self._expect(PREFIX_LENGTH + int.from_bytes(data[1:PREFIX_LENGTH], "big"))
        whole = self._whole
        if whole is None:
            self.body.append(data)
            self._hold(len(data))
        else:
            end = self._filled + len(data)
            if end > len(whole):
                self._fail(UpstreamError("the answer is longer than was announced"))
                return True
            whole[self._filled : end] = data
            self._filled = end
        if has_ended:
            self._answer()
        return True

    def on_trailers(self, headers: Headers) -> None:
        """Take the trailers."""
        self.trailers = headers
        self._answer()

    def on_lost(self, error: UpstreamError) -> None:
        """Fail."""
        if not self.answered.done():
            self.answered.set_exception(error)

    def on_room(self) -> None:
        """Nothing more is sent."""

    def _expect(self, nbytes: int) -> None:
        """Make room for an answer that is announced to be large."""
        if nbytes < _LARGE:
            return
        if not self._budget.fits(nbytes):
            self._fail(OverloadedError(_FULL))
            return
        self._hold(nbytes)
        self._whole = memoryview(np.empty(nbytes, np.uint8).data)

    def _hold(self, nbytes: int) -> None:
        if not self.answered.done():
            self._budget.take(nbytes)
            self._held += nbytes
            if self._budget.is_over:
                self._fail(OverloadedError(_FULL))

    def _fail(self, error: SeldonError) -> None:
        self.release()
        if not self.answered.done():
            self.answered.set_exception(error)

    def _answer(self) -> None:
        whole = self._whole
        if whole is not None:
            if self._filled < len(whole):
                self._fail(
                    UpstreamError(f"the answer ends after {self._filled} of {len(whole)} bytes")
                )
                return
            self.body = [whole]
        if not self.answered.done():
            self.answered.set_result(None)
