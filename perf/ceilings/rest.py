"""The most that one Python process answers to small REST infers: llhttp, uvloop, orjson, numpy.

    python -m perf.ceilings.rest echo|json|onnx|sklearn PORT [MODEL]

`echo` ignores the body, `json` decodes it and answers zeros, `onnx` and `sklearn` run MODEL on the
loop for each request. No routes, no checks, no limits: a server that has those is slower than this.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, cast

import httptools
import numpy as np
import orjson
import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"

Predict = Callable[[Any], Any]
Answer = Callable[[bytes], bytes]


def predict_with_onnx(path: str) -> Predict:
    """The ONNX model at `path`, float32 (batch, features) to int64, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    name = session.get_inputs()[0].name
    return lambda rows: session.run(None, {name: rows})[0]


def predict_with_sklearn(path: str) -> Predict:
    """The joblib file at `path`, one call for each request."""
    import joblib

    predict: Predict = joblib.load(path).predict
    return predict


def zeros(rows: Any) -> Any:
    """One zero for each row: the wire without a model."""
    return np.zeros((len(rows), 1), np.int64)


def json_answer(predict: Predict) -> Answer:
    """Decode the first input, predict, encode one output."""

    def answer(body: bytes) -> bytes:
        tensor = orjson.loads(body)["inputs"][0]
        rows = np.array(tensor["data"], np.float32).reshape(tensor["shape"])
        values = predict(rows).ravel().tolist()
        output = {"name": "predict", "datatype": "INT64", "shape": [len(values), 1], "data": values}
        return orjson.dumps({"model_name": "iris", "id": "1", "outputs": [output]})

    return answer


def answer_for(mode: str, model: str) -> Answer:
    """The work that `mode` does for each request. Raises KeyError for an unknown mode."""
    modes: dict[str, Callable[[], Answer]] = {
        "echo": lambda: lambda _body: b"{}",
        "json": lambda: json_answer(zeros),
        "onnx": lambda: json_answer(predict_with_onnx(model)),
        "sklearn": lambda: json_answer(predict_with_sklearn(model)),
    }
    return modes[mode]()


class Connection(asyncio.Protocol):
    """One client: each complete message is answered in the callback that completed it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are Transports by shape, not by class.
        self._write = cast(asyncio.Transport, transport).write
        self._feed = httptools.HttpRequestParser(self).feed_data

    def data_received(self, data: bytes) -> None:
        self._feed(data)

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        out = self._answer(b"".join(self._body))
        self._body.clear()
        self._write(HEAD % len(out) + out)


async def main(mode: str, port: int, model: str = "") -> None:
    answer = answer_for(mode, model)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
