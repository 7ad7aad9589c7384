"""The most that one Python process answers to small gRPC infers: libnghttp2, uvloop, numpy.

    python -m perf.ceilings.grpc echo|parse|onnx PORT [MODEL]

`echo` answers without reading the message, `parse` reads it and answers zeros, `onnx` runs MODEL on
the loop. Every stream is taken for ModelInfer: paths, headers, deadlines and limits are ignored.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import cast

import ngh2
import numpy as np
import uvloop
from tritonclient.grpc import service_pb2 as pb

from perf.ceilings.rest import Predict, predict_with_onnx, zeros

HEADERS = [(b":status", b"200"), (b"content-type", b"application/grpc")]
TRAILERS = [(b"grpc-status", b"0")]
PREFIX = 5  # the compression flag and the length of a gRPC message

Answer = Callable[[bytes], bytes]


def encoded(model: str, request_id: str, values: bytes) -> bytes:
    """A ModelInferResponse with one INT64 output of one row, contents raw."""
    reply = pb.ModelInferResponse(model_name=model, id=request_id)
    reply.outputs.add(name="predict", datatype="INT64", shape=[1, 1])
    reply.raw_output_contents.append(values)
    message: bytes = reply.SerializeToString()
    return message


def canned_answer() -> Answer:
    values = bytes(8)
    return lambda _message: encoded("iris", "1", values)


def parsed_answer(predict: Predict) -> Answer:
    """Parse, predict on the first raw input, encode."""

    def answer(message: bytes) -> bytes:
        request = pb.ModelInferRequest.FromString(message)
        flat = np.frombuffer(request.raw_input_contents[0], np.float32)
        values = predict(flat.reshape(request.inputs[0].shape))
        return encoded(request.model_name, request.id, values.tobytes())

    return answer


def answer_for(mode: str, model: str) -> Answer:
    """The work that `mode` does for each request. Raises KeyError for an unknown mode."""
    modes: dict[str, Callable[[], Answer]] = {
        "echo": canned_answer,
        "parse": lambda: parsed_answer(zeros),
        "onnx": lambda: parsed_answer(predict_with_onnx(model)),
    }
    return modes[mode]()


class Connection(asyncio.Protocol):
    """One client: all streams that a read completed are answered in one write."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._bodies: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are Transports by shape, not by class.
        self._write = cast(asyncio.Transport, transport).write
        self._http2 = ngh2.Connection(ngh2.Role.SERVER)
        self._http2.initiate_connection({ngh2.Setting.MAX_CONCURRENT_STREAMS: 1000})
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._http2.receive_data(data)
        bodies = self._bodies
        for event in self._http2.events():
            if type(event) is ngh2.DataReceived:
                stream = event.stream_id
                bodies[stream] = bodies.get(stream, b"") + event.data
                if event.end_stream:
                    self._complete(stream, bodies.pop(stream))
        self._flush()

    def _complete(self, stream: int, body: bytes) -> None:
        out = self._answer(body[PREFIX:])
        self._http2.send_response(stream, HEADERS)
        self._http2.send_data(stream, len(out).to_bytes(PREFIX) + out)
        self._http2.send_trailers(stream, TRAILERS)

    def _flush(self) -> None:
        if data := self._http2.data_to_send():
            self._write(data)


async def main(mode: str, port: int, model: str = "") -> None:
    answer = answer_for(mode, model)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
