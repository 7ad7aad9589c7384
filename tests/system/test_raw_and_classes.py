"""Raw binary requests and classification, against a real server process."""

import asyncio
import json
import subprocess

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.grpc.aio as triton_grpc_aio
import tritonclient.http as triton_http
import tritonclient.http.aio as triton_http_aio
from tritonclient.utils import InferenceServerException

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6, 3, 5, 2]], np.float32)
CLASSES = [[b"0", b"1"], [b"2", b"1"]]


def asked(client, classes):
    """The inputs and outputs of a request for so many classes of each row."""
    tensor = client.InferInput("predict", list(ROWS.shape), "FP32")
    tensor.set_data_from_numpy(ROWS)
    return [tensor], [client.InferRequestedOutput("predict_proba", class_count=classes)]


def check(result):
    found = result.as_numpy("predict_proba")
    assert [[text.split(b":")[1] for text in row] for row in found.tolist()] == CLASSES
    assert all(float(row[0].split(b":")[0]) > 0.8 for row in found.tolist())


@pytest.mark.parametrize("client", [triton_http, triton_grpc], ids=["rest", "grpc"])
def test_a_client_gets_the_highest_classes_of_each_row(server, client):
    with client.InferenceServerClient(server.url.removeprefix("http://")) as connected:
        inputs, outputs = asked(client, 2)
        check(connected.infer("iris", inputs, outputs=outputs))
        inputs, outputs = asked(client, -1)
        with pytest.raises(InferenceServerException, match="must be an integer >= 1, found -1"):
            connected.infer("iris", inputs, outputs=outputs)


@pytest.mark.parametrize(
    ("client", "values"),
    [(triton_http_aio, triton_http), (triton_grpc_aio, triton_grpc)],
    ids=["rest", "grpc"],
)
def test_an_asyncio_client_gets_them_too(server, client, values):
    async def test():
        address = server.url.removeprefix("http://")
        async with client.InferenceServerClient(address) as connected:
            inputs, outputs = asked(values, 2)
            check(await connected.infer("iris", inputs, outputs=outputs))

    asyncio.run(test())


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_sends_nothing_but_the_numbers(server, version, tmp_path):
    def post(body, model="iris"):
        command = ["curl", "-sS", version, "-D", tmp_path / "head", "--data-binary", "@-"]
        command += ["-H", "content-type: application/octet-stream"]
        command += ["-H", "Inference-Header-Content-Length: 0"]
        command += [f"{server.url}/v2/models/{model}/infer"]
        done = subprocess.run(command, input=body, capture_output=True, check=True, timeout=30)
        lines = (tmp_path / "head").read_text().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        return int(lines[0].split()[1]), headers, done.stdout

    status, headers, body = post(ROWS.tobytes())
    length = int(headers["inference-header-content-length"])
    (output,) = json.loads(body[:length])["outputs"]
    assert (status, output["shape"]) == (200, [2, 1])
    assert np.frombuffer(body[length:], np.int64).tolist() == [0, 2]
    status, _, body = post(b"123")
    assert (status, json.loads(body)["error"]) == (
        400,
        "the body: FP32 of shape [-1, 4] (-1 is any) needs 16 bytes or a multiple of it, found 3",
    )
    status, _, body = post(ROWS.tobytes(), "tfsimple1")
    assert status == 400
    assert "tells of 2 inputs" in json.loads(body)["error"]
