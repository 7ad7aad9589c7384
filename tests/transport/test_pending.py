"""One answer on its way: put together, counted, refused."""

import asyncio

import pytest

from seldon_core.errors import OverloadedError, UnreachableError, UpstreamError
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.pending import Pending

MIB = 1 << 20
STATUS = (b":status", b"200")


def with_pending(test, limit=8 * MIB, is_grpc=False):
    async def whole():
        budget = InFlightBytes(limit)
        pending = Pending(asyncio.get_running_loop(), budget, is_grpc=is_grpc)
        await test(pending, budget)
        pending.release()
        assert budget.used == 0

    asyncio.run(whole())


def length(nbytes):
    return (b"content-length", b"%d" % nbytes)


def test_a_small_answer_is_what_came_and_costs_nothing_of_the_budget():
    async def test(pending, budget):
        pending.on_head([STATUS, length(2)], False)
        assert pending.on_data(b"ok", True)
        await pending.answered
        assert (pending.body, budget.used) == ([b"ok"], 0)

    with_pending(test)


def test_pieces_of_unknown_length_stay_pieces_and_are_counted():
    async def test(pending, budget):
        pending.on_head([STATUS, (b"content-length", b"many")], False)
        pending.on_data(b"a" * 10, False)
        pending.on_data(b"b" * 5, False)
        assert budget.used == 15
        pending.on_trailers([])
        await pending.answered
        assert pending.body == [b"a" * 10, b"b" * 5]

    with_pending(test)


def test_a_large_answer_is_one_buffer_that_is_counted_when_it_is_announced():
    async def test(pending, budget):
        pending.on_head([STATUS, length(MIB)], False)
        assert budget.used == MIB
        pending.on_data(b"a" * (MIB - 1), False)
        pending.on_data(b"b", True)
        await pending.answered
        (whole,) = pending.body
        assert (len(whole), whole[-1]) == (MIB, ord("b"))
        pending.release()
        pending.release()
        assert budget.used == 0

    with_pending(test)


def test_a_large_message_announces_itself_by_its_prefix():
    async def test(pending, budget):
        pending.on_head([STATUS], False)
        pending.on_data(b"\0" + MIB.to_bytes(4, "big") + b"x", False)
        assert budget.used == MIB + 5
        pending.on_data(b"x" * (MIB - 1), False)
        pending.on_trailers([(b"grpc-status", b"0")])
        await pending.answered
        assert [len(part) for part in pending.body] == [MIB + 5]

    with_pending(test, is_grpc=True)


@pytest.mark.parametrize(
    ("data", "ends", "text"),
    [
        (b"a" * (MIB + 1), False, "longer than was announced"),
        (b"a", True, f"ends after 1 of {MIB}"),
    ],
    ids=["longer", "shorter"],
)
def test_an_answer_of_another_length_than_announced_is_an_error(data, ends, text):
    async def test(pending, budget):
        pending.on_head([STATUS, length(MIB)], False)
        pending.on_data(data, ends)
        with pytest.raises(UpstreamError, match=text):
            await pending.answered

    with_pending(test)


def test_an_answer_without_end_meets_the_budget():
    async def test(pending, budget):
        pending.on_head([STATUS], False)
        for _ in range(11):
            pending.on_data(b"a" * MIB, False)
        with pytest.raises(OverloadedError):
            await pending.answered
        pending.release()
        pending.on_data(b"a" * MIB, False)  # which was on its way
        assert budget.used == 0

    with_pending(test)


def test_what_is_lost_after_the_end_changes_nothing():
    async def test(pending, budget):
        pending.on_head([STATUS], True)
        pending.on_lost(UnreachableError("too late"))
        pending.on_room()
        pending.on_trailers([])
        await pending.answered

    with_pending(test)


def test_what_is_lost_raises():
    async def test(pending, budget):
        pending.on_lost(UnreachableError("lost"))
        with pytest.raises(UnreachableError):
            await pending.answered

    with_pending(test)
