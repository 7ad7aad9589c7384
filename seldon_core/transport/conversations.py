"""What a front offers that answers streaming gRPC calls beside unary ones.

A conversation is a call with any number of messages in both directions. The handler of one is an
async generator: it takes what the caller says from `messages` and yields what is answered. Nothing
is asked of it while the caller has not taken the message before, and it is closed (or, where it
waits, cancelled) as soon as the caller leaves, the deadline passes or the port closes.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.grpc_frames import RefusedCallError
from seldon_core.transport.shared import RpcFront

Conversation = Callable[
    [dict[bytes, bytes], AsyncIterator[bytes], str, float], AsyncGenerator[Sequence[Buffer], None]
]
"""`(headers, messages, peer, deadline)` -> the answers.

`headers` is the call's metadata, its own to change; `messages` are the caller's, decompressed, and
end when the caller has no more to say; iterating raises CallStatusError if they are no messages.
`peer` is who calls (`127.0.0.1:51234`), `deadline` an instant on the loop's clock, infinite if the
caller gave none. Parts that are yielded are joined to one message. A handler that returns ends the
call well; a CallStatusError ends it with its code, an error of ours as `status_of` has it, and
anything else is a bug, logged and answered INTERNAL. The handler runs in a task of its own.
"""


class CallStatusError(RefusedCallError):
    """Ends a conversation with gRPC's code `code` and the text `message`, plain and not escaped."""


class ConversationFront(ABC):
    """What to give `listen` in place of a front that only answers unary calls.

    A caller that takes longer than `write_timeout_s` seconds to take in one message is dropped.
    """

    write_timeout_s: float = 30.0

    @abstractmethod
    def for_peer(self, peer: str) -> RpcFront:
        """Return what answers the unary calls of one connection; `peer` as above."""

    @abstractmethod
    def conversation(self, path: bytes) -> Conversation | None:
        """Return the method at `path`, None if it is unary or not served.

        Asked once for each call, when its header block has come.
        """
