"""One HTTP/2 stream: from the header block that opens it to the answer that is to be sent.

What every stream has: its deadline, its work, and what it takes of the budget. It is a gRPC call
(`call_stream.py`) or an HTTP request (`request_stream.py`). Both take the pieces of their body in
`receive` and make an `Outgoing` of what their front answers. None of the three knows the HTTP/2
library or a socket.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from seldon_core.aio.start import Started
from seldon_core.transport.heads import Head
from seldon_core.transport.outgoing import Outgoing, StreamedOutgoing
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.settings import KIB
from seldon_core.transport.shared import Shared
from seldon_core.transport.sweeper import Watch

LARGE_HEAD = 4 * KIB
"""From here on a head that stays is counted in the budget at once, others when they have stayed."""

_STREAM_BYTES = 2 * KIB  # what a stream takes here and in the library, besides its head and body

FULL = "too many bytes are in flight on this server; try again later"
"""What a stream for which there is no room is answered."""


class Stream(ABC):
    """What is known of one stream while its client waits for the answer.

    `deadline` and `touched` are instants on the loop's clock: when the caller's time ends, and when
    something last happened. `task` is the work, once it had to wait. `has_ended` says that the
    client has sent everything. `held` are the bytes of bodies counted in the budget on the stream's
    behalf, `kept` those of the stream itself. `size` is the body's announced length, and
    `is_announced` says that there was room for it.
    `request_id` is the request's own, if `head` is that of another one but for it.
    A client that was answered before it has ended may send on for `linger_s` seconds.
    """

    __slots__ = (
        "deadline",
        "has_ended",
        "head",
        "held",
        "id",
        "is_announced",
        "kept",
        "linger_s",
        "request_id",
        "shared",
        "size",
        "task",
        "touched",
        "watch",
    )

    def __init__(self, stream_id: int, head: Head, shared: Shared, now: float) -> None:
        self.id = stream_id
        self.head = head
        self.request_id = b""
        self.shared = shared
        self.deadline = now + head.timeout_s
        self.touched = now
        self.has_ended = False
        self.held = 0
        self.kept = 0
        self.size = 0
        self.linger_s = 0.0
        self.is_announced = True
        self.task: Started | None = None
        self.watch: Watch | None = None

    @abstractmethod
    def open(self) -> Outgoing | None:
        """Return the answer if the header block alone decides it."""

    @abstractmethod
    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the body. An answer means that no more is wanted."""

    @abstractmethod
    async def answer(self) -> Outgoing | StreamedOutgoing:
        """Answer the whole request; what a front raises is a bug and comes out."""

    @abstractmethod
    def expire(self) -> Outgoing:
        """Return the answer to a client whose time has passed."""

    @abstractmethod
    def fail(self) -> Outgoing:
        """Return the answer to a client whose request met a bug."""

    def headers(self) -> dict[bytes, bytes]:
        """Return the request's headers: a copy, as other streams have this head too."""
        headers = self.head.headers.copy()
        if self.request_id:
            headers[REQUEST_ID] = self.request_id
        return headers

    def name(self) -> str:
        """Return the id that the log and the answer name the request by."""
        request_id = request_id_of(self.headers())
        self.request_id = request_id.encode()
        return request_id

    @property
    @abstractmethod
    def received(self) -> int:
        """How many bytes of the body have come."""

    def has_room(self) -> bool:
        """Return whether there is room in the budget for the announced body."""
        budget = self.shared.budget
        is_alone = budget.used == self.kept
        return (is_alone or budget.fits(self.size)) and not budget.is_full

    def is_too_large_now(self) -> bool:
        """Return whether there is no room in the budget for a head of this size."""
        return self.head.nbytes > LARGE_HEAD and self.shared.budget.is_full

    def must_wait(self) -> bool:
        """Return whether the client may send no more until others have gone; asked if it is full.

        What was announced, and had room, goes on for a while, and if it is alone to its end.
        """
        budget = self.shared.budget
        return not self.is_announced or (budget.is_over and budget.used > self.held + self.kept)

    def hold(self, nbytes: int) -> None:
        """Count `nbytes` more in the budget, room or not."""
        self.shared.budget.take(nbytes)
        self.held += nbytes

    def keep(self) -> None:
        """Count what the stream itself takes: it stays for a while. Harmless if that was done."""
        if not self.kept:
            self.kept = _STREAM_BYTES + self.head.nbytes
            self.shared.budget.take(self.kept)

    def wait(self, expire: Callable[[], None]) -> None:
        """Stay for a while: count what was not counted yet, and call `expire` at the deadline."""
        if self.head.nbytes > LARGE_HEAD:
            self.keep()
        if not self.held and self.size:
            self.hold(self.size)
        self.watch_deadline(expire)

    def watch_deadline(self, expire: Callable[[], None]) -> None:
        """Call `expire` at the deadline, if that is not watched yet."""
        if self.watch is None:
            self.watch = self.shared.sweeper.watch(self.deadline, expire)

    def release(self) -> None:
        """Give back what is held and watch no deadline any more."""
        if self.held or self.kept:
            self.shared.budget.give(self.held + self.kept)
            self.held = self.kept = 0
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None

    def cancel(self) -> None:
        """Stop the work; nobody waits for it any more."""
        self.release()
        self.stop()

    def stop(self) -> None:
        """Stop the work only.

        And forget it: its end refers to its frames and they to this, and without that circle the
        body's memory is free at once.
        """
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
