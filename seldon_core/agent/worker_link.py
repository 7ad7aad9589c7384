"""The agent's end of a worker's socket: questions and their answers, as `frames`."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import count
from typing import Any, cast

import numpy.typing as npt

from seldon_core.agent import frames
from seldon_core.errors import ModelRuntimeError
from seldon_core.protocol.inference import Buffer

_log = logging.getLogger(__name__)

_WRITE_WHOLE_BYTES = 64 * 1024


class WorkerLink(asyncio.BufferedProtocol):
    """Asks a worker, and matches its answers to the questions by their number.

    `greeted` and `lost` are set once each. What is unanswered when the link is lost is refused by
    `close`, once it is known how the process ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._reader = frames.FrameReader()
        self._calls = count(1)
        self._asked: dict[int, tuple[str, asyncio.Future[frames.Frame]]] = {}
        self._transport: asyncio.Transport | None = None
        self._closed = ""

    def ask(
        self,
        model: str,
        kind: str,
        fields: Sequence[Any],
        arrays: Sequence[npt.NDArray[Any]] = (),
    ) -> asyncio.Future[frames.Frame]:
        """Send a question; its answer, or the error that answers it, comes with the future."""
        answer: asyncio.Future[frames.Frame] = self._loop.create_future()
        if self._transport is None or self._closed:
            answer.set_exception(ModelRuntimeError(f"worker process for {model} {self._closed}"))
            return answer
        call = next(self._calls)
        self._asked[call] = (model, answer)
        self._write(frames.encode(kind, call, fields, arrays))
        return answer

    def _write(self, parts: list[Buffer]) -> None:
        assert self._transport is not None
        if sum(map(len, parts)) <= _WRITE_WHOLE_BYTES:  # one system call instead of one a part
            self._transport.write(b"".join(parts))
        else:
            for part in parts:
                self._transport.write(part)

    async def unless_lost(self, future: asyncio.Future[Any]) -> None:
        """Wait for `future`. Raises ConnectionError if the link is lost first."""
        await asyncio.wait((future, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            future.cancel()
            raise ConnectionError("it died while it was being started")
        future.result()

    def close(self, reason: str) -> None:
        """Let the worker end, and refuse what it has not answered."""
        self._closed = reason
        if self._transport is not None:
            self._transport.abort()
        asked, self._asked = self._asked, {}
        for model, answer in asked.values():
            if not answer.done():  # else its caller has left
                answer.set_exception(
                    ModelRuntimeError(f"worker process for {model} {reason} while it was in use")
                )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._write(frames.encode("hello", 0, [frames.VERSION]))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        return self._reader.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Take the answers that are complete; cut off a worker that sends something else."""
        try:
            answers = self._reader.received(nbytes)
        except ValueError:
            _log.exception("a worker sends what cannot be read")
            self._transport.abort()  # type: ignore[union-attr] # connected: bytes came through it
            return
        for answer in answers:
            self._take(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Set `lost`."""
        if not self.lost.done():
            self.lost.set_result(None)

    def _take(self, frame: frames.Frame) -> None:
        if frame.kind == "hello":
            if frame.fields == [frames.VERSION] and not self.greeted.done():
                self.greeted.set_result(None)
            return
        _, answer = self._asked.pop(frame.call, ("", None))
        if answer is None or answer.done():  # its caller has left
            return
        if frame.kind == "error":
            answer.set_exception(frames.error_from(frame.fields))
        else:
            answer.set_result(frame)
