import asyncio

import pytest

from seldon_core.errors import NotFoundError
from seldon_core.router.streaming import Messages
from tests.support.stream_fakes import Given


async def all_of(messages):
    return [message async for message in messages]


def test_every_message_is_the_first_versions_as_long_as_it_is_the_one_to_answer():
    messages = Messages(Given(1, 2, 3)).lead(lambda: True)
    assert asyncio.run(all_of(messages)) == [1, 2, 3]
    assert not messages.has_moved


def test_the_message_that_finds_another_version_is_the_first_of_that_one():
    async def test():
        current = {"old"}
        messages = Messages(Given(1, 2, 3))
        messages.lead(lambda: "old" in current)
        assert await anext(messages) == 1
        current.clear()
        assert await all_of(messages) == []
        assert messages.has_moved
        messages.lead(lambda: True)
        assert await all_of(messages) == [2, 3]
        assert not messages.has_moved

    asyncio.run(test())


def test_what_a_version_left_without_an_answer_comes_first_for_the_next():
    async def test():
        messages = Messages(Given(1, 2, 3, 4))
        assert [await anext(messages) for _ in range(3)] == [1, 2, 3]
        messages.answered()
        assert not messages.has_moved
        messages.take_back()
        assert messages.has_moved
        assert await anext(messages) == 2
        messages.take_back()  # and left by that one, too
        assert await all_of(messages) == [2, 3, 4]

    asyncio.run(test())


def test_a_model_that_is_gone_ends_the_stream():
    def is_current():
        raise NotFoundError("model", "iris")

    with pytest.raises(NotFoundError):
        asyncio.run(all_of(Messages(Given(1)).lead(is_current)))
