"""P6: tensors of an image's size: as JSON, as bytes behind JSON, as raw contents of gRPC."""

import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from perf.harness import bodies, loads
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench, Missing, point
from perf.harness.figures import Row, at_least, at_most
from perf.harness.loads import Point, Post
from perf.harness.processes import free_port
from perf.harness.servers import MLSERVER_CHOICES, Server

TITLE = "1x3x224x224 FP32"
MODEL = "corner"
PATH = loads.infer_path(MODEL)
CONNECTIONS = 4
WARM_UP = 5
"""Requests before memory is traced, so that what is made once is there."""


def flat() -> Post:
    return Post(PATH, bodies.image_json(nested=False), loads.JSON_HEADERS)


def nested() -> Post:
    return Post(PATH, bodies.image_json(nested=True), loads.JSON_HEADERS)


def binary() -> Post:
    body, headers = bodies.image_binary()
    return Post(PATH, body, headers)


def rate(server: Server | Missing, post: Post, what: str) -> Point | Missing:
    return point(
        server,
        lambda there: loads.post_rate(f"{there.label}, {what}", there.port, post, CONNECTIONS),
    )


def grpc_rate(server: Server) -> Point:
    message = bodies.image_message(MODEL)
    label = f"{server.label}, gRPC raw"
    return loads.message_rate(label, server.grpc_port, message, CONNECTIONS)


def best_mlserver(bench: Bench, post: Post) -> Server | Missing:
    """MLServer with a model as cheap as ours, set up as is best for `post`."""
    rates = {}
    for choice in MLSERVER_CHOICES:
        server = bench.mlserver(choice, bench.artifacts.image_mlserver)
        tried = rate(server, post, "tried")
        if isinstance(server, Missing):
            return server
        if isinstance(tried, Missing):
            return tried
        rates[choice] = tried.measure(2.0)
        server.process.stop()
    best = max(rates, key=lambda choice: rates[choice])
    bench.say(f"  MLServer with images: best with {best}")
    return bench.mlserver(best, bench.artifacts.image_mlserver)


def ask(port: int, what: str) -> int:
    """Bytes, of `perf.traced`."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(what.encode() + b"\n")
        return int(connection.makefile().readline())


def peak(label: str, port: int, payload: int, send: Callable[[], bytes]) -> Point:
    """The most that one request allocates at a time, as a multiple of its `payload` in bytes."""

    def measure(_seconds: float) -> float:
        for _ in range(WARM_UP):
            send()
        before = ask(port, "reset")
        send()
        return (ask(port, "peak") - before) / payload

    return Point(label, "x payload", measure)


def traced_peaks(bench: Bench) -> tuple[Point, Point]:
    """Of a server of its own, since tracing slows it: binary, and gRPC raw."""
    port = free_port()
    command = f"{shlex.quote(sys.executable)} -m perf.traced {port} serve {{arguments}}"
    traced = bench.seldon(bench.artifacts.images, command=command)
    post, message = binary(), bodies.image_message(MODEL)
    return (
        peak("seldon-core, binary", port, len(post.body), lambda: post.once(traced.port)),
        peak(
            "seldon-core, gRPC raw",
            port,
            len(message),
            lambda: loads.grpc_once(traced.port, message),
        ),
    )


def models(artifacts: Artifacts) -> Path:
    return artifacts.images


def ours(server: Server) -> Point:
    return loads.post_rate(f"{server.label}, binary", server.port, binary(), CONNECTIONS)


def run(bench: Bench) -> list[Row]:
    seldon = bench.seldon(bench.artifacts.images)
    rows = []
    for what, post, bound in (("JSON, flat", flat(), 1.6), ("JSON, nested", nested(), 2.5)):
        mlserver = best_mlserver(bench, post)
        mine, theirs = bench.measure(rate(seldon, post, what), rate(mlserver, post, what))
        rows.append(Row("P6", f"{TITLE}, {what}", mine, theirs, at_least(bound)))
    series = bench.measure(
        ours(seldon),
        rate(bench.ceiling("one_buffer", "binary"), binary(), "binary"),
        grpc_rate(seldon),
        grpc_rate(bench.ceiling("one_buffer", "grpc")),
    )
    rows += [
        Row("P6", f"{TITLE}, binary extension", series[0], series[1], at_least(0.5)),
        Row("P6", f"{TITLE}, gRPC raw", series[2], series[3], at_least(0.5)),
    ]
    for memory in bench.measure(*traced_peaks(bench), warm_up_s=0):
        owed = at_most(1.2, "x payload")
        rows.append(Row("P6", f"{TITLE}, peak of traced memory", memory, None, owed, "figure"))
    return rows
