"""The messages of the gRPC calls other than ModelInfer: health and metadata.

What asks about a model has its name and version where ModelInferRequest has them, so that
`oip_grpc.peek_model` reads them.
"""

from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata, TensorSpec


def server_live_message(live: bool) -> bytes:
    """Return a ServerLiveResponse."""
    return pb.ServerLiveResponse(live=live).SerializeToString()


def server_ready_message(ready: bool) -> bytes:
    """Return a ServerReadyResponse."""
    return pb.ServerReadyResponse(ready=ready).SerializeToString()


def model_ready_message(ready: bool) -> bytes:
    """Return a ModelReadyResponse."""
    return pb.ModelReadyResponse(ready=ready).SerializeToString()


def server_metadata_message(metadata: ServerMetadata) -> bytes:
    """Return a ServerMetadataResponse."""
    return pb.ServerMetadataResponse(
        name=metadata.name, version=metadata.version, extensions=metadata.extensions
    ).SerializeToString()


def model_metadata_message(metadata: ModelMetadata) -> bytes:
    """Return a ModelMetadataResponse; tensors' parameters have no field in it."""
    return pb.ModelMetadataResponse(
        name=metadata.name,
        versions=metadata.versions,
        platform=metadata.platform,
        inputs=[_spec(spec) for spec in metadata.inputs],
        outputs=[_spec(spec) for spec in metadata.outputs],
    ).SerializeToString()


def _spec(spec: TensorSpec) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=spec.name, datatype=spec.datatype, shape=spec.shape
    )
