import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.protobuf_wire import varint
from seldon_core.protocol.varints import LONGEST, read_varints


@given(st.lists(st.integers(0, (1 << 64) - 1) | st.integers(0, 300)))
def test_numbers_of_any_length_are_read(numbers):
    assert read_varints(b"".join(map(varint, numbers))).tolist() == numbers


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=1))
def test_negative_numbers_are_read_as_protobuf_writes_them(numbers):
    written = pb.InferTensorContents(int64_contents=numbers).SerializeToString()
    size = len(varint(len(written)))
    packed = next(
        written[1 + length :]
        for length in range(1, size + 1)
        if written[1 : 1 + length] == varint(len(written) - 1 - length)
    )
    assert read_varints(packed).view("int64").tolist() == numbers


@pytest.mark.parametrize("bits", [7, 14, 63, 64])
def test_the_largest_of_each_length(bits):
    number = (1 << bits) - 1
    assert len(varint(number)) == -(-bits // 7) <= LONGEST
    assert read_varints(varint(number) * 3).tolist() == [number] * 3
