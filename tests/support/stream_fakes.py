"""What streams are made of in tests: messages that come when told, handlers that answer as told."""

import asyncio

from seldon_core.errors import NotFoundError, SeldonError
from seldon_core.protocol.inference import InferResponse, ModelMetadata
from seldon_core.transport.handler import Reply, StreamReply


class Given:
    """Messages that are there already; `taken` counts those that were asked for.

    An exception among them is raised in its place.
    """

    def __init__(self, *messages):
        self._messages = list(messages)
        self.taken = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self._messages:
            raise StopAsyncIteration
        self.taken += 1
        if isinstance(self._messages[0], BaseException):
            raise self._messages.pop(0)  # held by no name, whose frame it would hold
        return self._messages.pop(0)


class Spoken:
    """Messages that come one by one: `say` gives one, `end` says that it was the last."""

    def __init__(self):
        self._said = []
        self._has_ended = False
        self._heard = asyncio.Event()
        self.taken = 0

    def say(self, *messages):
        self._said += messages
        self._heard.set()

    def end(self):
        self._has_ended = True
        self._heard.set()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._said:
            if self._has_ended:
                raise StopAsyncIteration
            self._heard.clear()
            await self._heard.wait()
        self.taken += 1
        return self._said.pop(0)


async def turns(count=20):
    """Let everything else that can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)


class StreamHandler:
    """Answers each message by its own inputs, under the name of the model that was called.

    `faults` are by model and end its streams; `errors` are by request id, answer that message and
    leave the stream alone. `parts` is how many replies each message gets. `hold`, an event by
    model, keeps its answers back until it is set. `streams` lists the models of the streams that
    began, `closed` of those that ended, in order; `calls` are the calls themselves.
    """

    def __init__(self, metadata=None):
        self.metadata_of = metadata
        self.faults = {}
        self.errors = {}
        self.hold = {}
        self.parts = 1
        self.headers = [(b"x-seldon-route", b":m_1:")]
        self.streams = []
        self.closed = []
        self.calls = []
        self.taken = 0

    async def stream(self, call, messages):
        self.streams.append(call.model)
        self.calls.append(call)
        try:
            async for payload in messages:
                self.taken += 1
                if call.model in self.hold:
                    await self.hold[call.model].wait()
                if call.model in self.faults:
                    raise self.faults[call.model]
                for part in range(self.parts):
                    outcome = self._answer(call, payload)
                    is_final = part == self.parts - 1
                    yield StreamReply(payload, outcome, is_final, list(self.headers))
        finally:
            self.closed.append(call.model)

    async def infer(self, call):
        self.calls.append(call)
        if call.model in self.faults:
            raise self.faults[call.model]
        outcome = self._answer(call, call.payload)
        if isinstance(outcome, SeldonError):
            raise outcome
        return Reply(outcome, list(self.headers))

    def _answer(self, call, payload):
        try:
            request = payload.decode()
        except SeldonError as error:
            return error
        if request.id in self.errors:
            return self.errors[request.id]
        return InferResponse(f"{call.model}_1", request.inputs, "1", request.id)

    async def metadata(self, call):
        if self.metadata_of is None:
            raise NotFoundError("model", call.model)
        return ModelMetadata(f"{call.model}_1", "fake", *self.metadata_of)
