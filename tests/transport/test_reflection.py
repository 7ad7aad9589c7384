"""Reflection's answers; `test_control_port` and `tests/system` ask for them through gRPC."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as pb

from seldon_core.proto import scheduler_pb2
from seldon_core.protocol import status
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.reflection import answer

SCHEDULER = "seldon_core/proto/scheduler.proto"
TIMESTAMP = "google/protobuf/timestamp.proto"
CHAINER = "seldon_core/proto/chainer.proto"


def ask(names=(), **question):
    request = pb.ServerReflectionRequest(host="here", **question)
    answered = pb.ServerReflectionResponse.FromString(answer(names, request.SerializeToString()))
    assert answered.valid_host == "here"
    assert answered.original_request == request
    return answered


def files(**question):
    found = ask(**question).file_descriptor_response.file_descriptor_proto
    return [FileDescriptorProto.FromString(each) for each in found]


def test_the_services_are_listed():
    listed = ask(["a.A", "b.B"], list_services="").list_services_response
    assert [service.name for service in listed.service] == ["a.A", "b.B"]


SYMBOLS = {
    "service": "seldon.mlops.scheduler.Scheduler",
    "method": "seldon.mlops.scheduler.Scheduler.LoadModel",
    "message": "seldon.mlops.scheduler.ModelSpec",
    "field": "seldon.mlops.scheduler.ModelSpec.uri",
    "enum": "seldon.mlops.scheduler.ModelStatus.ModelState",
}


@pytest.mark.parametrize("symbol", SYMBOLS.values(), ids=SYMBOLS)
def test_a_symbol_is_described_by_its_file_and_all_that_this_needs(symbol):
    found = files(file_containing_symbol=symbol)
    assert [file.name for file in found] == [SCHEDULER, TIMESTAMP, CHAINER]
    pool = descriptor_pool.DescriptorPool()
    for file in reversed(found):
        pool.Add(file)
    assert pool.FindFileByName(SCHEDULER).serialized_pb == scheduler_pb2.DESCRIPTOR.serialized_pb


def test_a_file_is_found_by_its_name():
    assert [file.name for file in files(file_by_filename=TIMESTAMP)] == [TIMESTAMP]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_describes_itself_in_both_versions(version):
    service = f"grpc.reflection.{version}.ServerReflection"
    (file,) = files(file_containing_symbol=service)
    assert file.package == f"grpc.reflection.{version}"
    assert file.service[0].method[0].input_type == (
        f".grpc.reflection.{version}.ServerReflectionRequest"
    )
    assert file == files(file_by_filename=file.name)[0]


@pytest.fixture(scope="module")
def extension():
    """The number of an extension of `test.Extended`, which a file adds to protobuf's pool."""
    field = descriptor_pb2.FieldDescriptorProto
    file = FileDescriptorProto(name="test_reflection.proto", package="test.reflection")
    extended = file.message_type.add(name="Extended")
    extended.extension_range.add(start=100, end=200)
    for name, number in (("second", 102), ("first", 101)):
        file.extension.add(
            name=name,
            number=number,
            extendee=".test.reflection.Extended",
            type=field.TYPE_INT32,
            label=field.LABEL_OPTIONAL,
        )
    descriptor_pool.Default().Add(file)
    return 101


def test_the_extensions_of_a_message_are_known(extension):
    name = "test.reflection.Extended"
    numbers = ask(all_extension_numbers_of_type=name).all_extension_numbers_response
    assert (numbers.base_type_name, list(numbers.extension_number)) == (name, [101, 102])
    wanted = pb.ExtensionRequest(containing_type=name, extension_number=extension)
    assert [file.name for file in files(file_containing_extension=wanted)] == [
        "test_reflection.proto"
    ]


def test_a_message_without_extensions_has_none():
    name = "seldon.mlops.scheduler.ModelSpec"
    numbers = ask(all_extension_numbers_of_type=name).all_extension_numbers_response
    assert (numbers.base_type_name, list(numbers.extension_number)) == (name, [])


UNKNOWN = {
    "file_by_filename": "no.proto",
    "file_containing_symbol": "no.Symbol",
    "file_containing_extension": pb.ExtensionRequest(containing_type="no.Type", extension_number=1),
    "all_extension_numbers_of_type": "no.Type",
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_is_not_here_is_not_found(kind):
    error = ask(**{kind: UNKNOWN[kind]}).error_response
    assert error.error_code == status.NOT_FOUND
    assert error.error_message.startswith(f"nothing here has the {kind} ")
    assert "no." in error.error_message


def test_an_extension_that_is_not_there_is_not_found(extension):
    wanted = pb.ExtensionRequest(containing_type="test.reflection.Extended", extension_number=150)
    assert ask(file_containing_extension=wanted).error_response.error_code == status.NOT_FOUND


def test_who_asks_nothing_is_told_so():
    error = ask().error_response
    assert (error.error_code, error.error_message) == (
        status.INVALID_ARGUMENT,
        "the request asks nothing",
    )


def test_what_is_no_question_ends_the_call():
    with pytest.raises(CallStatusError) as refused:
        answer([], b"\xff")
    assert refused.value.code == status.INVALID_ARGUMENT
    assert "grpc.reflection.v1alpha.ServerReflectionRequest" in refused.value.message
