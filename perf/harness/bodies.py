"""The requests that are sent: one row of iris, as JSON and as a gRPC message."""

import struct
from pathlib import Path

from tritonclient.grpc import service_pb2 as pb

ROW = (1.0, 2.0, 3.0, 4.0)
IRIS_JSON = '{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
GRPC_INFER = "/inference.GRPCInferenceService/ModelInfer"


def row_json(row: tuple[float, ...]) -> str:
    """An infer request with one row of float32."""
    numbers = ",".join(f"{number:g}" for number in row)
    return (
        f'{{"inputs":[{{"name":"predict","shape":[1,{len(row)}],'
        f'"datatype":"FP32","data":[[{numbers}]]}}]}}'
    )


def wrk_script(folder: Path, body: str) -> Path:
    """A script that makes wrk POST `body`; written into `folder`."""
    path = folder / f"post-{abs(hash(body)):x}.lua"
    quoted = body.replace("\\", "\\\\").replace("'", "\\'")
    path.write_text(
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = '{quoted}'\n"
    )
    return path


def iris_message(model: str) -> bytes:
    """A ModelInferRequest for one row of iris, contents raw, without the gRPC prefix."""
    request = pb.ModelInferRequest(model_name=model)
    request.inputs.add(name="predict", datatype="FP32", shape=[1, len(ROW)])
    request.raw_input_contents.append(struct.pack(f"<{len(ROW)}f", *ROW))
    message: bytes = request.SerializeToString()
    return message


def framed(message: bytes) -> bytes:
    """`message` as gRPC sends it: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4) + message


def pipelined_requests(path: str, body: str, count: int) -> bytes:
    """`count` POSTs in a row, for a client that does not wait for answers."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode() * count
