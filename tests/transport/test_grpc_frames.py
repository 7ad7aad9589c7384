import contextlib
import zlib
from itertools import pairwise

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.protocol import status
from seldon_core.transport.grpc_frames import (
    VIEW_FROM,
    MessageReader,
    RefusedCallError,
    is_grpc,
    prefix,
    small_message,
    timeout_s,
    window_bits,
)

LIMIT = 100_000


def framed(message, flag=0):
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def read(*pieces, encoding=b"identity", limit=LIMIT):
    reader = MessageReader(limit, window_bits(encoding))
    for piece in pieces:
        reader.feed(piece)
    return reader.finish()


def deflated(message, bits):
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(message) + packer.flush()


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        pytest.param(b"application/grpc", True, id="plain"),
        pytest.param(b"application/grpc+proto", True, id="proto"),
        pytest.param(b"Application/gRPC; charset=x", True, id="parameters and case"),
        pytest.param(b"application/grpc+json", False, id="json"),
        pytest.param(b"application/grpc-web", False, id="web"),
        pytest.param(b"application/json", False, id="rest"),
        pytest.param(b"", False, id="none"),
    ],
)
def test_what_is_a_grpc_call(content_type, expected):
    assert is_grpc(content_type) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"2H", 7200, id="hours"),
        pytest.param(b"3M", 180, id="minutes"),
        pytest.param(b"4S", 4, id="seconds"),
        pytest.param(b"500m", 0.5, id="milliseconds"),
        pytest.param(b"7u", 7e-6, id="microseconds"),
        pytest.param(b"8n", 8e-9, id="nanoseconds"),
        pytest.param(b"99999999S", 99_999_999, id="eight digits"),
        pytest.param(b"0m", 0, id="none left"),
    ],
)
def test_time_outs_are_read(value, expected):
    assert timeout_s(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    "value",
    [b"", b"S", b"1", b"1s", b"1.5S", b"-1S", b"+1S", b"123456789S", b"1 S", "٣S".encode()],
)
def test_other_time_outs_are_invalid_arguments(value):
    with pytest.raises(RefusedCallError, match="grpc-timeout must be") as caught:
        timeout_s(value)
    assert caught.value.code == status.INVALID_ARGUMENT


def test_an_unknown_encoding_is_unimplemented():
    with pytest.raises(RefusedCallError, match="'br'") as caught:
        window_bits(b"br")
    assert caught.value.code == status.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("pieces", "encoding", "code", "text"),
    [
        pytest.param([], b"identity", status.UNIMPLEMENTED, "sent none", id="none"),
        pytest.param([b""], b"identity", status.UNIMPLEMENTED, "sent none", id="an empty piece"),
        pytest.param([b"\0\0\0"], b"identity", status.INTERNAL, "after 3 of 5", id="cut prefix"),
        pytest.param(
            [framed(b"abc")[:-1]], b"identity", status.INTERNAL, "after 2 of 3", id="cut message"
        ),
        pytest.param(
            [framed(b"a") + b"\0"], b"identity", status.UNIMPLEMENTED, "several", id="one piece"
        ),
        pytest.param(
            [framed(b"a"), b"\0"], b"identity", status.UNIMPLEMENTED, "several", id="after it"
        ),
        pytest.param(
            [b"\0\0\0\0\2a", b"bc"], b"identity", status.UNIMPLEMENTED, "several", id="in its end"
        ),
        pytest.param(
            [b"\0\0\1\x86\xa1"], b"identity", status.RESOURCE_EXHAUSTED, "100001", id="too large"
        ),
        pytest.param([framed(b"a", 2)], b"gzip", status.INTERNAL, "flag is 2", id="flag"),
        pytest.param(
            [framed(b"a", 1)], b"identity", status.INTERNAL, "names nothing", id="no encoding"
        ),
    ],
)
def test_what_is_not_one_message_is_refused(pieces, encoding, code, text):
    with pytest.raises(RefusedCallError, match=text) as caught:
        read(*pieces, encoding=encoding)
    assert caught.value.code == code


def test_a_compressed_message_is_left_as_it_is_and_says_so():
    reader = MessageReader(LIMIT, 31)
    reader.feed(framed(b"packed", 1))
    assert reader.finish() == b"packed"
    assert reader.is_compressed
    reader = MessageReader(LIMIT, 31)
    reader.feed(framed(b"plain"))
    assert reader.finish() == b"plain"
    assert not reader.is_compressed


def test_a_large_message_in_one_piece_is_not_copied():
    piece = framed(bytes(VIEW_FROM))
    message = read(piece)
    assert isinstance(message, memoryview)
    assert message.obj is piece


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(framed(b"abc"), b"abc", id="whole"),
        pytest.param(framed(b""), b"", id="empty"),
        pytest.param(framed(bytes(VIEW_FROM)), bytes(VIEW_FROM), id="largest"),
        pytest.param(framed(bytes(VIEW_FROM + 1)), None, id="too large"),
        pytest.param(framed(b"abc")[:-1], None, id="cut"),
        pytest.param(framed(b"abc") + b"d", None, id="more follows"),
        pytest.param(framed(b"abc", 1), None, id="compressed"),
        pytest.param(b"\0\0\0", None, id="cut prefix"),
    ],
)
def test_small_messages_are_recognised(data, expected):
    assert small_message(data, LIMIT) == expected


def test_a_small_message_over_the_limit_is_left_to_the_reader():
    assert small_message(framed(b"abc"), 3) == b"abc"
    assert small_message(framed(b"abcd"), 3) is None


def test_the_length_is_announced_before_the_message():
    reader = MessageReader(LIMIT, None)
    assert reader.announced == 0
    reader.feed(b"\0\0\0\1\0")
    assert reader.announced == 256


def test_the_prefix_of_an_answer():
    assert prefix(258) == b"\0\0\0\1\2"


@given(st.binary(max_size=200), st.lists(st.integers(0, 205)), st.integers(0, 1))
def test_any_cutting_gives_the_same_message(message, cuts, flag):
    whole = framed(message, flag)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert bytes(read(*pieces, encoding=b"gzip")) == message


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_give_a_message_or_a_refusal(pieces):
    with contextlib.suppress(RefusedCallError):
        assert len(read(*pieces, encoding=b"gzip")) <= LIMIT


def test_an_announced_gigabyte_that_never_comes_occupies_nothing():
    process = psutil.Process()
    before = process.memory_info().rss
    reader = MessageReader(1 << 30, None)
    reader.feed(b"\0" + (1 << 30).to_bytes(4, "big") + b"begin")
    assert process.memory_info().rss - before < 100 << 20


def test_a_large_message_in_pieces_is_whole_again():
    message = bytes(range(256)) * 1000
    reader = MessageReader(1 << 30, None)
    reader.feed(prefix(len(message)) + message[:70_000])
    reader.feed(message[70_000:])
    assert bytes(reader.finish()) == message
