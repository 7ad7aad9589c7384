import asyncio
import gzip
import zlib

import pytest

from seldon_core.errors import (
    InvalidRequestError,
    OverloadedError,
    PayloadTooLargeError,
    UnsupportedError,
)
from seldon_core.transport.bodies import decompress, largest_body, too_large
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import ListenerSettings

SETTINGS = ListenerSettings()
TEXT = b'{"inputs": []}' * 100_000


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
        (b"x", b"br", UnsupportedError),
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
        ({b"content-type": b"application/octet-stream"}, SETTINGS.body_bytes),
    ],
    ids=["json", "binary", "octets"],
)
def test_json_has_a_limit_of_its_own(headers, limit):
    assert largest_body(headers, SETTINGS) == limit


def test_the_message_names_the_way_out_where_there_is_one():
    assert "binary tensor data extension" in too_large(SETTINGS.json_bytes, SETTINGS)
    assert "extension" not in too_large(SETTINGS.body_bytes, SETTINGS)
