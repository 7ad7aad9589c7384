"""The description of `inference.GRPCInferenceService`, for clients that ask for it.

Our messages are generated in a package of our own, because protobuf's process-wide pool has room
for one package `inference` only, which client libraries claim. So they are described in a pool that
nobody else sees, under the names that clients know.
"""

from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2

from seldon_core.proto import extensions_pb2, open_inference_pb2
from seldon_core.protocol.dialects import GRPC_VERBS, Verb

SERVICE: Final = "inference.GRPCInferenceService"

_PACKAGE: Final = "inference"
_PATHS: Final = f"/{SERVICE}/".encode()


@cache
def inference_pool() -> Any:
    """Return a pool with the service and its messages, and with the health service beside it."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(FileDescriptorProto.FromString(health_pb2.DESCRIPTOR.serialized_pb))
    files = [_repackaged(module.DESCRIPTOR) for module in (open_inference_pb2, extensions_pb2)]
    for file in [*files, _service([file.name for file in files])]:
        pool.Add(file)
    return pool


def _repackaged(descriptor: Any) -> FileDescriptorProto:
    """Return the description of a file with the names of its messages in package `inference`."""
    text = text_format.MessageToString(FileDescriptorProto.FromString(descriptor.serialized_pb))
    for mark in ('"{}"', '".{}.'):  # the package, and where the type of a field is named
        text = text.replace(mark.format(descriptor.package), mark.format(_PACKAGE))
    return text_format.Parse(text, FileDescriptorProto())


def _service(dependencies: list[str]) -> FileDescriptorProto:
    name = SERVICE.removeprefix(f"{_PACKAGE}.")
    file = FileDescriptorProto(
        name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3", dependency=dependencies
    )
    service = file.service.add(name=name)
    for path, verb in GRPC_VERBS.items():
        if not path.startswith(_PATHS):
            continue
        is_stream = verb is Verb.STREAM_INFER
        asked = Verb.INFER if is_stream else verb
        service.method.add(
            name=verb.value,
            input_type=f".{_PACKAGE}.{asked.value}Request",
            output_type=f".{_PACKAGE}.{verb.value}Response",
            client_streaming=is_stream,
            server_streaming=is_stream,
        )
    return file
