"""A front whose streaming calls tests steer, and what it has seen of them."""

import asyncio
import contextlib

from seldon_core.errors import OverloadedError
from seldon_core.transport.conversations import CallStatusError, InitialMetadata, TalkRules
from seldon_core.transport.rpc import RpcAnswer


class Talks:
    """Each method of it that takes messages is a streaming call at `/t/<its name>`.

    All other calls are unary and answered with who calls. `running` counts generators that have
    begun and not ended, `asked` how many answers were asked for in all.
    """

    def __init__(self, write_timeout_s=30.0, **rules):
        self.rules = TalkRules(
            write_timeout_s, **{"opens_at_once": True, "ends_at_once": True} | rules
        )
        self.go = asyncio.Event()
        self.running = 0
        self.begun = 0
        self.asked = 0
        self.took = []
        self.calls = []
        self.closed_by = []
        self.size = 1000

    def for_peer(self, peer):
        return _ForPeer(self, peer)

    def conversation(self, path):
        method = getattr(self, path.removeprefix(b"/t/").decode(), None)
        if method is None or not path.startswith(b"/t/"):
            return None

        async def watched(headers, messages, peer, deadline):
            self.running += 1
            self.begun += 1
            self.calls.append((headers, peer, deadline))
            try:
                async with contextlib.aclosing(method(messages)) as answers:
                    async for answer in answers:
                        self.asked += 1
                        yield answer
            except BaseException as error:
                self.closed_by.append(type(error))
                raise
            finally:
                self.running -= 1

        return watched

    async def echo(self, messages):
        async for message in messages:
            self.took.append(len(message))
            yield [message]

    async def three(self, messages):
        (message,) = [message async for message in messages]
        for index in range(3):
            yield [message, b"-%d" % index]

    async def flood(self, messages):
        while True:
            yield [bytes(self.size)]

    async def wait(self, messages):
        await self.go.wait()
        yield [b"gone on"]

    async def deaf(self, messages):
        yield [b"hello"]
        await self.go.wait()
        async for message in messages:
            self.took.append(len(message))
        yield [b"%d" % len(self.took)]

    async def count(self, messages):
        async for message in messages:
            self.took.append(len(message))
        yield [b"%d" % len(self.took)]

    async def silent(self, messages):
        async for _ in messages:
            pass
        for nothing in ():
            yield nothing

    async def route(self, messages):
        yield InitialMetadata([(b"x-route", b"a")])
        yield [b"one"]
        yield InitialMetadata([(b"x-route", b"too late")])

    async def refuse(self, messages):
        raise CallStatusError(9, "not this way: ü")
        yield []

    async def refuse_late(self, messages):
        yield [b"one"]
        raise OverloadedError("too much")

    async def broken(self, messages):
        raise RuntimeError("a bug")
        yield []

    async def broken_late(self, messages):
        yield [b"one"]
        raise RuntimeError("a bug")

    async def cancelled(self, messages):
        raise asyncio.CancelledError
        yield []

    async def slow_to_leave(self, messages):
        try:
            yield [b"one"]
            await self.go.wait()
        finally:
            await asyncio.sleep(0.01)
            self.took.append("left")

    async def stubborn(self, messages):
        with contextlib.suppress(asyncio.CancelledError):
            await self.go.wait()
        yield [b"still here"]

    async def swallows(self, messages):
        with contextlib.suppress(asyncio.CancelledError):
            await self.go.wait()
        for nothing in ():
            yield nothing


class _ForPeer:
    def __init__(self, talks, peer):
        self.rules = talks.rules
        self.conversation = talks.conversation
        self.peer = peer

    async def answer(self, path, headers, message, deadline):
        return RpcAnswer(0, "", [], [], [self.peer.encode(), b" ", message])
