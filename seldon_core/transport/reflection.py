"""gRPC's reflection: what is served, and the descriptors of that, from protobuf's own pool.

The two versions of the service, v1alpha and v1, have the same messages under two names.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection_pb2 as pb

from seldon_core.protocol import status
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.inference_descriptors import SERVICE, inference_pool

_Question = pb.ServerReflectionRequest
_Answer = pb.ServerReflectionResponse


def answer(names: Sequence[str], message: bytes) -> bytes:
    """Return the answer to one ServerReflectionRequest; `names` are the services that are served.

    Raises CallStatusError if the message is none.
    """
    try:
        question = _Question.FromString(message)
    except DecodeError as error:
        text = f"the request is no {_Question.DESCRIPTOR.full_name}"
        raise CallStatusError(status.INVALID_ARGUMENT, text) from error
    reply = _Answer(valid_host=question.host, original_request=question)
    kind = question.WhichOneof("message_request")
    if kind == "list_services":
        services = [pb.ServiceResponse(name=name) for name in names]
        reply.list_services_response.service.extend(services)
    elif kind is None:
        _refuse(reply, status.INVALID_ARGUMENT, "the request asks nothing")
    else:
        _describe(reply, kind, getattr(question, kind), _pools(names))
    encoded: bytes = reply.SerializeToString()
    return encoded


def _pools(names: Sequence[str]) -> list[Any]:
    """Return where descriptions are looked for, the first that has one counts."""
    pools = [descriptor_pool.Default(), _pool_of_v1()]
    if SERVICE in names:
        pools.insert(0, inference_pool())  # a client library of this process has the name too
    return pools


def _describe(reply: Any, kind: str, wanted: Any, pools: Sequence[Any]) -> None:
    for pool in pools:
        try:
            _DESCRIBE[kind](reply, pool, wanted)
        except KeyError:
            continue
        return
    shown = " ".join(str(wanted).split())
    _refuse(reply, status.NOT_FOUND, f"nothing here has the {kind} {shown!r}")


def _refuse(reply: Any, code: int, text: str) -> None:
    reply.error_response.error_code = code
    reply.error_response.error_message = text


def _by_file(reply: Any, pool: Any, name: str) -> None:
    _give(reply, pool.FindFileByName(name))


def _by_symbol(reply: Any, pool: Any, symbol: str) -> None:
    try:
        file = pool.FindFileContainingSymbol(symbol)
    except KeyError:  # it does not look for methods
        file = pool.FindMethodByName(symbol).containing_service.file
    _give(reply, file)


def _by_extension(reply: Any, pool: Any, wanted: pb.ExtensionRequest) -> None:
    extended = pool.FindMessageTypeByName(wanted.containing_type)
    _give(reply, pool.FindExtensionByNumber(extended, wanted.extension_number).file)


def _extensions(reply: Any, pool: Any, name: str) -> None:
    found = pool.FindAllExtensions(pool.FindMessageTypeByName(name))
    reply.all_extension_numbers_response.base_type_name = name
    numbers = sorted(extension.number for extension in found)
    reply.all_extension_numbers_response.extension_number.extend(numbers)


_DESCRIBE: dict[str, Callable[[Any, Any, Any], None]] = {
    "file_by_filename": _by_file,
    "file_containing_symbol": _by_symbol,
    "file_containing_extension": _by_extension,
    "all_extension_numbers_of_type": _extensions,
}


def _give(reply: Any, file: Any) -> None:
    """Answer with a file, and with those that it needs, so that nobody has to ask again."""
    found: dict[str, bytes] = {}
    _collect(found, [file])
    reply.file_descriptor_response.file_descriptor_proto.extend(found.values())


def _collect(found: dict[str, bytes], files: Iterable[Any]) -> None:
    for file in files:
        if file.name not in found:
            found[file.name] = file.serialized_pb
            _collect(found, file.dependencies)


@cache
def _pool_of_v1() -> Any:
    """Return a pool with the description of v1, which no library here has.

    It is not in protobuf's own, where some other library may want to put it.
    """
    alpha = FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    text = text_format.MessageToString(alpha).replace("v1alpha", "v1")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(text, FileDescriptorProto()))
    return pool
