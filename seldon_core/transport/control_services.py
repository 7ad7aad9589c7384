"""What a control port serves, as values: who fills them knows nothing of gRPC.

A handler is given the request and who calls (`127.0.0.1:51234`). What it raises is answered: an
error of ours with its text, anything else as an internal one.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from seldon_core.transport.settings import MIB


@dataclass(frozen=True, slots=True)
class UnaryMethod:
    """A method with one answer. The handler is cancelled when the caller leaves.

    Up to its first wait there is no current task (`aio/start.py`).
    """

    name: str
    request: type[Message]
    handler: Callable[[Any, str], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class StreamMethod:
    """A method with any number of answers.

    The generator is closed when the caller leaves or reads too slowly, or the port closes. Nothing
    is asked of it while an answer is being sent.
    """

    name: str
    request: type[Message]
    handler: Callable[[Any, str], AsyncGenerator[Message, None]]


@dataclass(frozen=True, slots=True)
class GatherMethod:
    """A method that takes any number of requests, as they come, and has one answer.

    The handler is cancelled when the caller leaves or the port closes. A request that cannot be
    read is raised to it as InvalidRequestError.
    """

    name: str
    request: type[Message]
    handler: Callable[[AsyncIterator[Any], str], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class ControlService:
    """A service by its full name, `package.Name`, with the methods that are served.

    `end` is called when the port begins to close, before its calls are ended. A message of a caller
    may have `message_bytes`; the default is what gRPC allows, so callers expect it.
    """

    name: str
    methods: Sequence[UnaryMethod | StreamMethod | GatherMethod]
    end: Callable[[], None] = lambda: None
    message_bytes: int = 4 * MIB
