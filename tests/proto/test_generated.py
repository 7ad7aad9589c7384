"""The generated protobuf modules are those that `proto/generate` writes."""

import subprocess
import sys
from pathlib import Path

import pytest

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
