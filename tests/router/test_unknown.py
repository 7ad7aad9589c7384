"""What answers for a replica whose address is not known."""

import asyncio

import pytest

from seldon_core.errors import UnreachableError
from seldon_core.router.unknown import UnknownReplica
from seldon_core.transport.control import ReplicaId


@pytest.mark.parametrize("name", ["infer", "metadata", "ready", "config", "statistics"])
def test_every_call_says_that_it_is_not_connected(name):
    method = getattr(UnknownReplica(ReplicaId("triton", 2)), name)
    with pytest.raises(UnreachableError, match="replica triton/2 cannot be reached"):
        asyncio.run(method(None))


def test_a_stream_does_too():
    async def first():
        return await anext(UnknownReplica(ReplicaId("triton", 2)).stream(None, None))

    with pytest.raises(UnreachableError) as caught:
        asyncio.run(first())
    assert not caught.value.was_sent
