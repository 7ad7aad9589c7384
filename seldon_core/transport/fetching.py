"""Fetches a page of another process of this machine, whole and within a time."""

import asyncio
from typing import Final

from seldon_core.errors import UpstreamError
from seldon_core.transport.http1_client import Http1Client
from seldon_core.transport.receiver import Headers
from seldon_core.transport.settings import MIB

MOST_BYTES: Final = 64 * MIB
"""Ten thousand models, each called in every way there is, have a page of 20 MB."""

_HOST: Final = "127.0.0.1"


async def fetch(port: int, path: str, timeout_s: float) -> str:
    """Return the text at `path` of whoever has `port` on this machine.

    Raises UpstreamError if nobody answers with 200 in time, or with more than `MOST_BYTES`.
    """
    loop = asyncio.get_running_loop()
    name = f"port {port} of this machine"
    page = _Page(loop, name)
    client = Http1Client(name, lambda _: None)
    try:
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(lambda: client, _HOST, port)
            authority = b"%b:%d" % (_HOST.encode(), port)
            head = [(b":method", b"GET"), (b":path", path.encode()), (b":authority", authority)]
            client.request(head, (), page)
            return bytes(await page.answer).decode("utf-8")
    except TimeoutError as error:
        raise UpstreamError(f"{name} did not answer within {timeout_s:g} s") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UpstreamError(f"{name}: {error}") from error
    finally:
        client.abort()


class _Page:
    """A Receiver that keeps an answer until it is whole."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self.answer: asyncio.Future[bytearray] = loop.create_future()
        self._name = name
        self._body = bytearray()

    def on_head(self, headers: Headers, has_ended: bool) -> None:
        """Look at the status."""
        status = dict(headers)[b":status"]
        if status != b"200":
            self.on_lost(UpstreamError(f"{self._name} answered {status.decode()}"))

    def on_data(self, data: bytes, has_ended: bool) -> bool:
        """Keep a piece."""
        self._body += data
        if len(self._body) > MOST_BYTES:
            self.on_lost(UpstreamError(f"{self._name} answered with more than {MOST_BYTES} bytes"))
        elif has_ended and not self.answer.done():
            self.answer.set_result(self._body)
        return True

    def on_trailers(self, headers: Headers) -> None:
        """Leave trailers alone."""

    def on_lost(self, error: UpstreamError) -> None:
        """Give the reason to who waits."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def on_room(self) -> None:
        """Nothing is left to send."""
