from google.protobuf import message_factory

from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.dialects import GRPC_VERBS
from seldon_core.transport.inference_descriptors import SERVICE, inference_pool


def test_every_call_of_the_service_is_described():
    service = inference_pool().FindServiceByName(SERVICE)
    paths = {f"/{SERVICE}/{method.name}".encode() for method in service.methods}
    assert paths == {path for path in GRPC_VERBS if path.startswith(f"/{SERVICE}/".encode())}


def test_only_the_streaming_call_streams():
    methods = inference_pool().FindServiceByName(SERVICE).methods_by_name
    streaming = [m.name for m in methods.values() if m.client_streaming or m.server_streaming]
    assert streaming == ["ModelStreamInfer"]
    infer, stream = methods["ModelInfer"], methods["ModelStreamInfer"]
    assert stream.input_type is infer.input_type
    assert stream.output_type.full_name == "inference.ModelStreamInferResponse"


def test_messages_are_described_as_they_are_sent():
    described = inference_pool().FindMessageTypeByName("inference.ModelInferRequest")
    ours = pb.ModelInferRequest(model_name="m", inputs=[{"name": "x", "shape": [2]}])
    theirs = message_factory.GetMessageClass(described).FromString(ours.SerializeToString())
    assert theirs.inputs[0].DESCRIPTOR.full_name == "inference.ModelInferRequest.InferInputTensor"
    assert str(theirs) == str(ours)
