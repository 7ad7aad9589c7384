import asyncio

import pytest

from seldon_core.protocol import status
from seldon_core.transport.conversations import CallStatusError, only


async def said(*messages, and_waits=False):
    for message in messages:
        yield message
    if and_waits:
        await asyncio.Event().wait()


def test_the_one_message_of_a_call_is_taken():
    assert asyncio.run(only(said(b"one"))) == b"one"


@pytest.mark.parametrize(("messages", "found"), [((), "none"), ((b"1", b"2"), "several")])
def test_a_call_of_another_number_of_messages_is_refused(messages, found):
    with pytest.raises(CallStatusError, match=found) as error:
        asyncio.run(only(said(*messages)))
    assert error.value.code == status.UNIMPLEMENTED


def test_a_caller_that_leaves_its_side_open_is_not_waited_for_long():
    async def main():
        async with asyncio.timeout(5):
            return await only(said(b"one", and_waits=True))

    assert asyncio.run(main()) == b"one"
