import asyncio
import gzip
import random
import zlib
from itertools import pairwise

import pytest

from seldon_core.errors import (
    InvalidRequestError,
    OverloadedError,
    PayloadTooLargeError,
    UnsupportedEncodingError,
)
from seldon_core.transport.bodies import decompress, largest_body, too_large
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import ListenerSettings

SETTINGS = ListenerSettings()
TEXT = b'{"inputs": []}' * 100_000
NOISE = random.Random(7).randbytes(4 << 20)


def raw_deflate(data):
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def inflate(body, encoding, limit=SETTINGS.body_bytes, budget=None):
    budget = budget or InFlightBytes(1 << 30)
    settings = ListenerSettings(gzip_ratio=1000)
    return asyncio.run(decompress(body, encoding, limit, settings, budget))


@pytest.mark.parametrize(
    ("compress", "encoding"),
    [(gzip.compress, b"GZIP "), (zlib.compress, b"deflate"), (raw_deflate, b"deflate")],
    ids=["gzip", "deflate", "raw deflate"],
)
def test_a_body_is_decompressed_and_counted(compress, encoding):
    budget = InFlightBytes(1 << 30)
    body, held = inflate(compress(TEXT), encoding, budget=budget)
    assert body == TEXT
    assert held == budget.used == len(TEXT)


def test_identity_is_the_body_itself():
    assert inflate(b"body", b"identity") == (b"body", 0)


@pytest.mark.parametrize(
    ("body", "encoding", "error"),
    [
        (b"x", b"br", UnsupportedEncodingError),
        (b"no gzip at all", b"gzip", InvalidRequestError),
        (b"", b"gzip", InvalidRequestError),
        (gzip.compress(TEXT)[:-20], b"gzip", InvalidRequestError),
        (gzip.compress(TEXT) + b"more", b"gzip", InvalidRequestError),
    ],
    ids=["unknown", "not gzip", "empty", "cut off", "bytes behind"],
)
def test_what_is_not_its_encoding_is_refused_and_gives_back(body, encoding, error):
    budget = InFlightBytes(1 << 30)
    with pytest.raises(error):
        inflate(body, encoding, budget=budget)
    assert budget.used == 0


def test_what_is_wrong_with_a_compressed_body_is_said_without_numbers_of_zlib():
    with pytest.raises(InvalidRequestError) as caught:
        inflate(b"no gzip at all", b"gzip")
    said = "the body is not compressed as its headers say: incorrect header check"
    assert str(caught.value) == said


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 256 * 1024, 1 << 20, (1 << 20) + 1])
@pytest.mark.parametrize("source", [bytes(1 << 21), NOISE], ids=["zeros", "noise"])
def test_a_body_of_any_size_is_whole(size, source):
    assert inflate(gzip.compress(source[:size]), b"gzip")[0] == source[:size]


def test_others_have_their_turn_while_a_large_body_is_inflated():
    async def main():
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.get_running_loop().create_task(count())
        body = gzip.compress(NOISE, compresslevel=1)
        await decompress(body, b"gzip", len(NOISE), SETTINGS, InFlightBytes(1 << 30))
        counting.cancel()
        assert turns >= len(NOISE) // (512 * 1024)

    asyncio.run(main())


def test_many_large_bodies_take_one_step_in_a_turn_between_them():
    async def main():
        loop = asyncio.get_running_loop()
        budget, turns, is_over = InFlightBytes(1 << 30), [0], False

        def count():
            turns.append(budget.used)
            if not is_over:
                loop.call_soon(count)

        body = gzip.compress(NOISE, compresslevel=1)
        loop.call_soon(count)
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(decompress(body, b"gzip", len(NOISE), SETTINGS, budget))
        is_over = True
        steps = [after - before for before, after in pairwise(turns)]
        assert max(steps) <= 3 * 256 * 1024  # the first has the beginnings of all

    asyncio.run(main())


def test_few_large_bodies_are_in_memory_at_a_time():
    async def main():
        budget = InFlightBytes(1 << 30)
        body, most = gzip.compress(NOISE, compresslevel=1), 0

        async def one():
            nonlocal most
            _, held = await decompress(body, b"gzip", len(NOISE), SETTINGS, budget)
            most = max(most, budget.used)
            budget.give(held)

        async with asyncio.TaskGroup() as group:
            for _ in range(16):
                group.create_task(one())
        assert most <= 5 * len(NOISE)

    asyncio.run(main())


def test_small_bodies_wait_for_no_turn():
    async def main():
        budget = InFlightBytes(1 << 30)
        inflating = decompress(gzip.compress(b"small"), b"gzip", 100, SETTINGS, budget)
        with pytest.raises(StopIteration) as done:
            inflating.send(None)
        assert done.value.value == (b"small", 5)

    asyncio.run(main())


def test_a_bomb_is_refused_long_before_it_is_inflated():
    bomb = gzip.compress(bytes(50_000_000))
    budget = InFlightBytes(1 << 30)
    with pytest.raises(PayloadTooLargeError, match="100 times"):
        asyncio.run(decompress(bomb, b"gzip", SETTINGS.body_bytes, SETTINGS, budget))
    assert budget.used == 0


def test_a_body_that_grows_beyond_its_limit_is_refused():
    with pytest.raises(PayloadTooLargeError, match="may have 1000 bytes"):
        inflate(gzip.compress(TEXT), b"gzip", limit=1000)


def test_a_body_without_room_is_refused():
    budget = InFlightBytes(1000)
    budget.take(10)
    with pytest.raises(OverloadedError):
        inflate(gzip.compress(TEXT), b"gzip", budget=budget)
    assert budget.used == 10


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({}, SETTINGS.json_bytes),
        ({b"inference-header-content-length": b"3"}, SETTINGS.body_bytes),
        ({b"content-type": b"application/octet-stream"}, SETTINGS.json_bytes),
    ],
    ids=["json", "binary", "octets that may be json"],
)
def test_json_has_a_limit_of_its_own(headers, limit):
    assert largest_body(headers, SETTINGS) == limit


def test_the_message_names_the_way_out_where_there_is_one():
    assert "binary tensor data extension" in too_large(SETTINGS.json_bytes, SETTINGS)
    assert "extension" not in too_large(SETTINGS.body_bytes, SETTINGS)
