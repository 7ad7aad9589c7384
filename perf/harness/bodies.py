"""The requests that are sent: one row of iris or one image, as JSON, as bytes, as messages."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.grpc import service_pb2 as pb

ROW = (1.0, 2.0, 3.0, 4.0)
IRIS_JSON = '{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
IMAGE = (1, 3, 224, 224)  # FP32
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


def image() -> Any:
    """An image as vision models take them: float32, normal, the same each time."""
    return np.random.default_rng(1).normal(size=IMAGE).astype("<f4")


def image_json(*, nested: bool) -> bytes:
    """An infer request for `x`, its numbers in one list or in lists of lists."""
    # As text of a float32, not of the float64 next to it.
    data = [float(str(number)) for number in image().ravel()]
    if nested:
        data = np.array(data).reshape(IMAGE).tolist()
    item = {"name": "x", "shape": list(IMAGE), "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [item]}, separators=(",", ":")).encode()


def image_binary() -> tuple[bytes, dict[str, str]]:
    """The body of the binary extension, and the headers that it needs."""
    raw = image().tobytes()
    item = {
        "name": "x",
        "shape": list(IMAGE),
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(raw)},
    }
    wanted = [{"name": "y", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": [item], "outputs": wanted}).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    return head + raw, headers


def image_message(model: str) -> bytes:
    """A ModelInferRequest for one image, contents raw, without the gRPC prefix."""
    request = pb.ModelInferRequest(model_name=model)
    request.inputs.add(name="x", datatype="FP32", shape=IMAGE)
    request.raw_input_contents.append(image().tobytes())
    message: bytes = request.SerializeToString()
    return message


def wrk_script_of(folder: Path, body: bytes, headers: Mapping[str, str]) -> Path:
    """A script that makes wrk POST `body`, whatever is in it; written into `folder`."""
    content, path = folder / "body", folder / "post.lua"
    content.write_bytes(body)
    path.write_text(
        'wrk.method = "POST"\n'
        + "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in headers.items())
        + f'local file = io.open("{content}", "rb")\n'
        + 'wrk.body = file:read("*a")\n'
        + "file:close()\n"
    )
    return path
