import asyncio

import pytest

from seldon_core.transport.turns import in_turns


@pytest.mark.parametrize(
    ("count", "parts"),
    [(0, []), (1, [b"0"]), (2, [b"01"]), (5, [b"01", b"23", b"4"])],
    ids=["none", "one", "full", "more"],
)
def test_rows_are_encoded_so_many_at_a_time(count, parts):
    def encode(rows):
        return "".join(map(str, rows)).encode()

    assert asyncio.run(in_turns(range(count), encode, 2)) == parts


def test_others_have_their_turn_in_between():
    async def test():
        turns = []

        async def other():
            turns.append("other")

        def encode(rows):
            turns.append(rows[0])
            return b""

        task = asyncio.get_running_loop().create_task(other())
        await in_turns([1, 2], encode, 1)
        await task
        return turns

    assert asyncio.run(test()) == [1, "other", 2]
