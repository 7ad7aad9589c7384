"""The agent's end of a worker's socket, without a worker. With one: `test_worker`."""

import asyncio

import pytest

from seldon_core.agent import frames
from seldon_core.agent.worker_link import WorkerLink
from seldon_core.errors import ModelRuntimeError


class Transport:
    """Takes what is written."""

    def __init__(self):
        self.written = []
        self.aborted = False

    def write(self, data):
        self.written.append(bytes(data))

    def abort(self):
        self.aborted = True


def fed(link, data):
    room = link.get_buffer(-1)
    room[: len(data)] = data
    link.buffer_updated(len(data))


def test_a_worker_that_speaks_otherwise_is_cut_off():
    async def test():
        link, transport = WorkerLink(asyncio.get_running_loop()), Transport()
        link.connection_made(transport)
        fed(link, b"".join(frames.encode("hello", 0, [frames.VERSION + 1])))
        assert not link.greeted.done()
        fed(link, b"".join(frames.encode("infer", 77)))  # an answer that nobody waits for
        fed(link, b"Traceback (most recent call last)")
        assert transport.aborted
        link.connection_lost(None)
        link.connection_lost(None)
        assert link.lost.done()
        link.close("died (signal 9)")
        with pytest.raises(ModelRuntimeError, match=r"worker process for m died \(signal 9\)"):
            await link.ask("m", "infer", [])

    asyncio.run(test())
