"""The limits of a message, told from its bytes."""

import pytest

from seldon_core.errors import PayloadTooLargeError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.grpc_limits import RAW_INPUT, TENSORS, check_typed_size
from seldon_core.protocol.protobuf_wire import field_tag

FIELDS = pb.ModelInferRequest.DESCRIPTOR.fields_by_name


def test_the_fields_are_those_of_the_protocol():
    assert field_tag(FIELDS["raw_input_contents"].number) == RAW_INPUT
    assert tuple(field_tag(FIELDS[name].number) for name in ("inputs", "outputs")) == TENSORS


def typed_and_raw(typed, raw):
    message = pb.ModelInferRequest(model_name="m", raw_input_contents=[bytes(raw)])
    message.inputs.add(name="x", datatype="BYTES").contents.bytes_contents.append(bytes(typed))
    return message.SerializeToString()


@pytest.mark.parametrize("typed", [0, 900], ids=["raw", "typed below the limit"])
def test_raw_contents_do_not_count_as_typed(typed):
    check_typed_size(typed_and_raw(typed, 5000), 1000)
    check_typed_size(typed_and_raw(typed, 0), 1000)


@pytest.mark.parametrize(
    "message", [typed_and_raw(1001, 0), b"\x0b" * 1001], ids=["typed", "not to be scanned"]
)
def test_large_typed_contents_are_refused_and_the_way_out_is_named(message):
    with pytest.raises(PayloadTooLargeError, match=r"1000 bytes .* raw_input_contents"):
        check_typed_size(message, 1000)
