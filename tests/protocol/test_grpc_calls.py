"""Health and metadata on gRPC, read back by another implementation's messages."""

from tritonclient.grpc import service_pb2 as triton

from seldon_core.protocol import grpc_calls
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata, TensorSpec


def test_health_answers_are_those_of_the_protocol():
    assert triton.ServerLiveResponse.FromString(grpc_calls.server_live_message(True)).live
    assert triton.ServerReadyResponse.FromString(grpc_calls.server_ready_message(True)).ready
    assert triton.ModelReadyResponse.FromString(grpc_calls.model_ready_message(True)).ready
    assert grpc_calls.model_ready_message(False) == b""


def test_server_metadata_lists_the_extensions():
    message = grpc_calls.server_metadata_message(ServerMetadata("seldon-core", "0.1", ("a", "b")))
    read = triton.ServerMetadataResponse.FromString(message)
    assert (read.name, read.version, list(read.extensions)) == ("seldon-core", "0.1", ["a", "b"])


def test_model_metadata_describes_every_tensor():
    metadata = ModelMetadata(
        "iris_1",
        "sklearn_joblib",
        (TensorSpec("x", "FP32", (-1, 4)),),
        (TensorSpec("predict", "INT64", (-1, 1)), TensorSpec("p", "FP64", (-1, 3))),
        ("1", "2"),
    )
    read = triton.ModelMetadataResponse.FromString(grpc_calls.model_metadata_message(metadata))
    assert (read.name, read.platform, list(read.versions)) == (
        "iris_1",
        "sklearn_joblib",
        ["1", "2"],
    )
    assert [(t.name, t.datatype, list(t.shape)) for t in read.inputs] == [("x", "FP32", [-1, 4])]
    assert [t.name for t in read.outputs] == ["predict", "p"]
