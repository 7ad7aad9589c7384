"""The generated protobuf modules are those that `proto/generate` writes."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from seldon_core.proto import extensions_pb2
from seldon_core.proto import open_inference_pb2 as pb

ROOT = Path(__file__).resolve().parents[2]


def test_generating_again_changes_nothing(tmp_path):
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    subprocess.run([sys.executable, ROOT / "proto" / "generate", tmp_path], check=True)
    generated = {path.name: path.read_text() for path in tmp_path.rglob("*_pb2.py*")}
    committed = {
        path.name: path.read_text() for path in (ROOT / "seldon_core" / "proto").glob("*_pb2.py*")
    }
    assert generated == committed


def test_the_messages_live_beside_those_of_a_client_library():
    from tritonclient.grpc import service_pb2

    theirs = service_pb2.ModelInferRequest(model_name="iris", raw_input_contents=[b"1"])
    ours = pb.ModelInferRequest.FromString(theirs.SerializeToString())
    assert (ours.model_name, list(ours.raw_input_contents)) == ("iris", [b"1"])
    assert ours.DESCRIPTOR.full_name == "seldon_core.oip.ModelInferRequest"


@pytest.mark.parametrize("file", [pb, extensions_pb2], ids=["calls", "extensions"])
def test_every_field_has_the_number_and_type_that_a_client_library_gives_it(file):
    from tritonclient.grpc import model_config_pb2, service_pb2

    for name, ours in file.DESCRIPTOR.message_types_by_name.items():
        theirs = next(
            known.DESCRIPTOR.message_types_by_name[name]
            for known in (service_pb2, model_config_pb2)
            if name in known.DESCRIPTOR.message_types_by_name
        )
        assert sorted(_fields(ours) - _fields(theirs)) == OURS_ONLY.get(name, [])
    for name, enum in file.DESCRIPTOR.enum_types_by_name.items():
        known = model_config_pb2.DESCRIPTOR.enum_types_by_name[name]
        assert enum.values_by_name.keys() == known.values_by_name.keys()
        assert enum.values_by_number.keys() == known.values_by_number.keys()


# The protocol has it, Triton does not.
OURS_ONLY = {
    "ModelMetadataResponse": [
        ("PropertiesEntry.key", 1, "TYPE_STRING", False),
        ("PropertiesEntry.value", 2, "TYPE_STRING", False),
        ("properties", 6, "TYPE_MESSAGE", True),
    ]
}


def _fields(message):
    """Return (path, number, type, whether repeated) of each field, those of messages in it too."""
    described = DescriptorProto()
    message.CopyToProto(described)
    return set(_described(described, ""))


def _described(message, within):
    for field in message.field:
        kind = FieldDescriptorProto.Type.Name(field.type)
        yield within + field.name, field.number, kind, field.label == field.LABEL_REPEATED
    for nested in message.nested_type:
        yield from _described(nested, f"{within}{nested.name}.")
