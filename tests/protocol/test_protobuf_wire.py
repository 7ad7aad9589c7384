"""The outermost layer of protobuf's encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.protobuf_wire import MAX_FIELDS, check_inner, field_tag, scan, varint


def test_a_message_is_cut_into_its_fields():
    message = b"\x0a\x02ab" + b"\x10\x96\x01" + b"\x1d1234" + b"\x2112345678" + b"\x2a\x00"
    found = [(tag, message[start:end]) for tag, start, end in scan(message) or ()]
    assert found == [
        (10, b"ab"),
        (16, b"\x96\x01"),
        (29, b"1234"),
        (33, b"12345678"),
        (42, b""),
    ]


def test_long_tags_and_lengths_take_several_bytes():
    tag = field_tag(1000)
    message = varint(tag) + varint(300) + bytes(300)
    assert scan(message) == [(tag, 4, 304)]


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a", b"\x0a\x05abc", b"\x80", b"\x0a\x80", b"\x10", b"\x10\xff", b"\x1d123",
        b"\x211234567", b"\x0b\x0c", b"\x02\x00", b"\x0e", b"\x0a" + b"\xff" * 11,
    ],
    ids=[
        "no-length", "short", "half-tag", "half-length", "no-number", "half-number", "short-32",
        "short-64", "group", "field-zero", "unknown-kind", "endless-length",
    ],
)  # fmt: skip
def test_what_is_malformed_is_left_to_protobuf(message):
    assert scan(message) is None


def test_a_message_with_too_many_fields_is_refused():
    assert len(scan(b"\x2a\x00" * MAX_FIELDS) or ()) == MAX_FIELDS
    with pytest.raises(InvalidRequestError, match="more than 16384 fields"):
        scan(b"\x2a\x00" * (MAX_FIELDS + 1))


def test_a_long_message_is_not_left_to_protobuf():
    assert scan(b"\x0b" * 16_384) is None
    with pytest.raises(InvalidRequestError, match="of this message of 16385 bytes cannot be told"):
        scan(b"\x0b" * 16_385)


def test_the_fields_of_inner_messages_are_counted_together():
    half = b"\x0a\x00" * (MAX_FIELDS // 2)
    message = b"".join(
        bytes([field_tag(number)]) + varint(len(half)) + half for number in (5, 6, 7)
    )
    fields = scan(message) or []
    check_inner(message, fields, (field_tag(5), field_tag(7)))
    with pytest.raises(InvalidRequestError, match="the message's own have more than 16384 fields"):
        check_inner(message, fields, (field_tag(5), field_tag(6), field_tag(7)))
    check_inner(b"\x0a\x01\x0b", [(field_tag(1), 2, 3)], (field_tag(1),))  # protobuf says it


@given(st.lists(st.tuples(st.integers(1, 5000), st.binary(max_size=300)), max_size=6))
def test_fields_written_are_the_fields_found(fields):
    message = b"".join(varint(field_tag(n)) + varint(len(data)) + data for n, data in fields)
    found = [(tag, message[start:end]) for tag, start, end in scan(memoryview(message)) or ()]
    assert found == [(field_tag(number), data) for number, data in fields]
