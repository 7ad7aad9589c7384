"""A stream of messages on its way through the router; it may outlive the version it began with."""

from collections import deque
from collections.abc import AsyncIterator, Callable

from seldon_core.protocol.inference import Payload


class Messages:
    """The messages of a stream, for one version after the other to iterate over.

    `is_current` tells, when a message has come, whether the version that iterates is still the one
    to answer. If not, its messages end there, `has_moved` is true, and the message is the first of
    the next one: so that version answers what it has, and nothing is lost when a newer one takes
    its place. What `is_current` raises ends the stream. Messages that a version took and left
    without an answer are given to the next one by `take_back`: as many as a version takes ahead.
    """

    def __init__(self, messages: AsyncIterator[Payload]) -> None:
        self._messages = messages
        self._next: deque[Payload] = deque()
        self._unanswered: deque[Payload] = deque()
        self._is_current: Callable[[], bool] = lambda: True

    @property
    def has_moved(self) -> bool:
        """Whether messages wait for another version."""
        return bool(self._next)

    def lead(self, is_current: Callable[[], bool]) -> "Messages":
        """Let the version that is asked for by `is_current` have the messages from here on."""
        self._is_current = is_current
        return self

    def answered(self) -> None:
        """Note that the first of the messages that were taken has its answer."""
        self._unanswered.popleft()

    def take_back(self) -> None:
        """Have the messages that were taken and not answered come next, in their order."""
        self._next.extendleft(reversed(self._unanswered))
        self._unanswered.clear()

    def __aiter__(self) -> "Messages":
        return self

    async def __anext__(self) -> Payload:
        payload = self._next.popleft() if self._next else await anext(self._messages)
        if not self._is_current():
            self._next.appendleft(payload)
            raise StopAsyncIteration
        self._unanswered.append(payload)
        return payload
