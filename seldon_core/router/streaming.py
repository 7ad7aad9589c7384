"""A stream of messages on its way through the router; it may outlive the version it began with."""

from collections.abc import AsyncIterator, Callable

from seldon_core.protocol.inference import Payload


class Messages:
    """The messages of a stream, for one version after the other to iterate over.

    `is_current` tells, when a message has come, whether the version that iterates is still the one
    to answer. If not, its messages end there, `has_moved` is true, and the message is the first of
    the next one: so that version answers what it has, and nothing is lost when a newer one takes
    its place. What `is_current` raises ends the stream.
    """

    def __init__(self, messages: AsyncIterator[Payload]) -> None:
        self._messages = messages
        self._held: Payload | None = None
        self._is_current: Callable[[], bool] = lambda: True

    @property
    def has_moved(self) -> bool:
        """Whether a message waits for another version."""
        return self._held is not None

    def lead(self, is_current: Callable[[], bool]) -> "Messages":
        """Let the version that is asked for by `is_current` have the messages from here on."""
        self._is_current = is_current
        return self

    def __aiter__(self) -> "Messages":
        return self

    async def __anext__(self) -> Payload:
        if self._held is not None:
            payload, self._held = self._held, None
            return payload
        payload = await anext(self._messages)
        if not self._is_current():
            self._held = payload
            raise StopAsyncIteration
        return payload
