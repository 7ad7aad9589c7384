"""What the connections of one listener share: fronts, limits, budget, clock and counters.

A connection, whatever its protocol, is made as `XConnection(shared)`. The listener's sniffing
protocol hands it the transport with `transport.set_protocol(connection)`, then calls
`connection.connection_made(transport)` and `connection.take_first(data)` with what was read so far.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpFront
from seldon_core.transport.hang_up import check_hang_ups
from seldon_core.transport.rare_log import RareLog
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.rota import RECEIVE_BYTES, Rota
from seldon_core.transport.settings import KIB, ListenerSettings
from seldon_core.transport.sweeper import Sweeper

if TYPE_CHECKING:
    from seldon_core.transport.conversations import Conversation, TalkRules
    from seldon_core.transport.rpc import RpcAnswer

_OUTSTANDING = 1024  # of the connections together that do not read because they have begun enough

# What a streaming call takes, with its tasks, though nothing is said on it. They may take an eighth
# of the budget's bytes, so that other calls have room: no time-out ends a stream that is silent.
_CONVERSATION_BYTES = 16 * KIB
_CONVERSATIONS_SHARE = 8


class RpcFront(Protocol):
    """Answers gRPC calls: unary ones in `answer`, streaming ones by conversations.

    `rules` is of those.
    """

    @property
    def rules(self) -> "TalkRules":
        """What conversations are given here."""

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> "RpcAnswer":
        """Answer; what it raises is a bug, which the framing logs, counts and answers INTERNAL.

        `deadline` is an instant on the loop's clock, infinite if the caller gave none.
        """

    def conversation(self, path: bytes) -> "Conversation | None":
        """Return the streaming call at `path`, or what refuses it; None if it is unary.

        A connection asks when it first sees a header block, and remembers.
        """

    def for_peer(self, peer: str) -> "RpcFront":
        """Return what answers the calls of one connection, whose other end is `peer`
        (`127.0.0.1:51234`, "" if it has no address)."""


class Connection(Protocol):
    """What the listener asks of an open connection."""

    def take_first(self, data: bytes) -> None:
        """Take in what was read before this connection had the transport."""

    def drain(self) -> None:
        """Begin nothing new, answer what is outstanding, then close. Idle ones close at once."""

    def abort(self) -> None:
        """Close now; what is outstanding is cancelled."""

    def visit(self, now: float) -> None:
        """Look at your time-outs; called about once a second. `now` is the loop's clock."""

    def check_hang_up(self) -> None:
        """The peer has closed its side while reading was paused: treat it as end of stream."""


@dataclass(slots=True)
class Counters:
    """What has happened on the listener since it opened; read by metrics, never reset."""

    connections: int = 0
    refused_connections: int = 0
    tls_on_plain_port: int = 0
    requests: int = 0
    bad_requests: int = 0
    overloaded: int = 0
    floods: int = 0
    hang_ups: int = 0
    timeouts: int = 0
    internal_errors: int = 0


class Shared:
    """One per listener.

    `receive` is the buffer into which every connection receives: what a loop reads into it is
    taken in before the next read, so one is enough for all, and 2,000 idle connections hold
    none. `paused` are the connections whose file descriptor the listener polls for a hang-up
    because they do not read: add yourself when you pause, discard yourself when you resume.
    A connection takes its fronts from `http` and `rpc` by `for_peer`, once. `conversing` are the
    tasks of streaming calls, of which there may be `most_conversing`. `refusals` counts what is
    answered by an error. `floods`, `crowds` and `drops` are what is logged of connections that
    flood, of those that are too many, and of callers that do not read. In `rota` stands who has
    more to begin than it may at once.
    """

    __slots__ = (
        "budget",
        "connections",
        "conversing",
        "counters",
        "crowds",
        "draining",
        "drops",
        "floods",
        "http",
        "loop",
        "most_conversing",
        "on_empty",
        "paused",
        "receive",
        "refusals",
        "rota",
        "rpc",
        "settings",
        "sweeper",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: ListenerSettings,
        http: HttpFront,
        rpc: RpcFront,
        budget: InFlightBytes,
        refusals: Refusals | None = None,
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.http = http
        self.rpc = rpc
        self.conversing: set[asyncio.Task[None]] = set()
        share = budget.limit // (_CONVERSATIONS_SHARE * _CONVERSATION_BYTES)
        self.most_conversing = max(settings.streams, share)
        self.budget = budget
        self.counters = Counters()
        self.rota = Rota(loop, self.counters, settings.requests_per_turn)
        self.floods = RareLog()
        self.crowds = RareLog()
        self.drops = RareLog()
        self.refusals = refusals or Refusals()
        self.connections: dict[Connection, None] = {}
        self.paused: dict[Connection, asyncio.Transport] = {}
        self.draining = False
        self.on_empty = asyncio.Event()  # nothing is open
        self.on_empty.set()
        self.receive = memoryview(bytearray(RECEIVE_BYTES))
        self.sweeper = Sweeper(
            loop,
            lambda: [connection.visit for connection in self.connections],
            lambda: check_hang_ups(self.paused),
        )

    def register(self, connection: Connection) -> None:
        """Count `connection` as open: it is visited, drained and aborted from now on."""
        self.connections[connection] = None
        self.on_empty.clear()

    def outstanding(self) -> int:
        """Return how many requests of one HTTP/1 connection may wait for their answers.

        That is less while many connections have more than they may begin: together they would wait
        for a model in such numbers that others find no room there.
        """
        share = _OUTSTANDING // max(len(self.paused), 1)
        return max(min(share, self.settings.outstanding), 1)

    def patience_s(self, longest_s: float) -> float:
        """Return how long to wait for a client that neither sends nor reads, at most `longest_s`.

        That is less while it keeps others out.
        """
        return min(longest_s, self.settings.stall_timeout_s) if self.budget.is_full else longest_s

    def unregister(self, connection: Connection) -> None:
        """Forget a closed connection; harmless if it is not known."""
        self.paused.pop(connection, None)
        self.connections.pop(connection, None)
        if not self.connections:
            self.on_empty.set()
