"""Points to measure: a server under one load, as one figure for so many seconds."""

import http.client
import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from perf.harness import bodies, outputs, peers

RATE = "requests/s"
MICROSECONDS = "µs"


@dataclass(frozen=True, slots=True)
class Point:
    """Something to measure once in each round: `measure(seconds)` gives one figure in `unit`."""

    label: str
    unit: str
    measure: Callable[[float], float]


def infer_path(model: str) -> str:
    """The REST path of OIP's infer."""
    return f"/v2/models/{model}/infer"


JSON_HEADERS = {"content-type": "application/json"}


def post_once(
    port: int, path: str, body: str | bytes, headers: Mapping[str, str] = JSON_HEADERS
) -> bytes:
    """POST and return the answer's body. Raises LoadError unless the status is 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise outputs.LoadError(f"POST {path}: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise outputs.LoadError(f"POST {path}: {answer.status} {content[:300]!r}")
    return content


def wrk(port: int, path: str, connections: int, seconds: float, body: str) -> outputs.WrkResult:
    """One run of wrk with one thread; a GET if `body` is empty. Raises LoadError, AbsentError."""
    whole = max(1, round(seconds))  # wrk takes whole seconds
    command = [peers.tool("wrk"), "-t1", f"-c{connections}", f"-d{whole}s", "--latency"]
    with tempfile.TemporaryDirectory() as folder:
        if body:
            command += ["-s", str(bodies.wrk_script(Path(folder), body))]
        text = run_tool([*command, f"http://127.0.0.1:{port}{path}"], whole + 30)
    return outputs.parse_wrk(text)


def run_tool(command: list[str], timeout_s: float) -> str:
    """What a load generator prints. Raises LoadError if it fails."""
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    if run.returncode:
        raise outputs.LoadError(f"{command[0]}: {run.stderr.strip() or run.stdout.strip()}")
    return run.stdout


def rest_rate(label: str, port: int, model: str, connections: int) -> Point:
    """Infers of one row of iris over HTTP/1.1, a second.

    Raises LoadError now if the server does not answer such a request with outputs.
    """
    path = infer_path(model)
    if "outputs" not in json.loads(post_once(port, path, bodies.IRIS_JSON)):
        raise outputs.LoadError(f"{label}: no outputs in the answer")
    return Point(
        label,
        RATE,
        lambda seconds: wrk(port, path, connections, seconds, bodies.IRIS_JSON).rate_per_s,
    )


def rest_p50(label: str, port: int, model: str) -> Point:
    """The median latency of a lone client with one connection."""
    path = infer_path(model)
    post_once(port, path, bodies.IRIS_JSON)
    return Point(
        label,
        MICROSECONDS,
        lambda seconds: wrk(port, path, 1, seconds, bodies.IRIS_JSON).p50_s * 1e6,
    )


def rest_p99(label: str, port: int, model: str) -> Point:
    """The 99th percentile of a lone client's latency, in milliseconds."""
    path = infer_path(model)
    post_once(port, path, bodies.IRIS_JSON)
    return Point(
        label, "ms", lambda seconds: wrk(port, path, 1, seconds, bodies.IRIS_JSON).p99_s * 1e3
    )


def ready_rate(label: str, port: int, connections: int) -> Point:
    """GETs of /v2/health/ready a second: a bound of the HTTP front end alone."""
    return Point(
        label,
        RATE,
        lambda seconds: wrk(port, "/v2/health/ready", connections, seconds, "").rate_per_s,
    )


def grpc_once(port: int, message: bytes) -> bytes:
    """The encoded answer to one ModelInfer, through grpcio. Raises LoadError unless it is OK."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        infer = channel.unary_unary(bodies.GRPC_INFER)
        try:
            answer: bytes = infer(message, timeout=30)
        except grpc.RpcError as error:
            raise outputs.LoadError(f"ModelInfer: {error}") from error
    return answer


def grpc_rate(label: str, port: int, model: str) -> Point:
    """ModelInfer of one row of iris, contents raw, over 2 connections with 8 streams each.

    Raises LoadError now if the server does not answer such a call with OK, and when measured if
    answers got shorter: h2load takes a gRPC error for a success, but an error has no message.
    """
    iris = bodies.iris_message(model)
    expected = len(grpc_once(port, iris))
    message = bodies.framed(iris)

    def measure(seconds: float) -> float:
        result = h2load(port, message, seconds)
        if result.data_bytes < result.requests * (expected + 5) * 0.95:
            raise outputs.LoadError(f"{label}: {result} answers, expected {expected} bytes in each")
        return result.rate_per_s

    return Point(label, RATE, measure)


def h2load(
    port: int, message: bytes, seconds: float, connections: int = 2, streams: int = 8
) -> outputs.H2loadResult:
    """One run of h2load; `message` is sent in each request. Raises LoadError, AbsentError."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(message)
        file.flush()
        command = h2load_command(port, Path(file.name), connections, streams, seconds)
        return outputs.parse_h2load(run_tool(command, seconds + 30))


@dataclass(frozen=True, slots=True)
class Post:
    """One kind of POST, whatever its body."""

    path: str
    body: bytes
    headers: Mapping[str, str]

    def once(self, port: int) -> bytes:
        """Send it and return the answer's body. Raises LoadError unless the status is 200."""
        return post_once(port, self.path, self.body, self.headers)


def post_rate(label: str, port: int, post: Post, connections: int) -> Point:
    """Such requests a second. Raises LoadError now if the server does not answer one."""
    post.once(port)

    def measure(seconds: float) -> float:
        whole = max(1, round(seconds))
        command = [peers.tool("wrk"), "-t1", f"-c{connections}", f"-d{whole}s", "--latency"]
        with tempfile.TemporaryDirectory() as folder:
            script = bodies.wrk_script_of(Path(folder), post.body, post.headers)
            url = f"http://127.0.0.1:{port}{post.path}"
            text = run_tool([*command, "-s", str(script), url], whole + 30)
        return outputs.parse_wrk(text).rate_per_s

    return Point(label, RATE, measure)


def message_rate(label: str, port: int, message: bytes, connections: int) -> Point:
    """ModelInfer of `message` a second, one at a time on each connection."""
    grpc_once(port, message)
    framed = bodies.framed(message)

    def measure(seconds: float) -> float:
        return h2load(port, framed, seconds, connections, 1).rate_per_s

    return Point(label, RATE, measure)


def open_loop(
    port: int, model: str, connections: int, rate_per_s: float, seconds: float
) -> outputs.Latencies:
    """Send infers of one row of iris at `rate_per_s`, whether answers come or not.

    Over HTTP/1.1, the same rate on each connection. Raises LoadError if one of them fails, or if
    less than 98 % of that rate could be sent: then latencies say nothing.
    """
    with tempfile.TemporaryDirectory() as name:
        body, log = Path(name) / "body", Path(name) / "log"
        body.write_text(bodies.IRIS_JSON)
        load = [f"-c{connections}", f"--rps={rate_per_s / connections:g}", f"-D{round(seconds)}"]
        sent = ["-d", str(body), "-H", "content-type: application/json", f"--log-file={log}"]
        url = f"http://127.0.0.1:{port}{infer_path(model)}"
        command = [peers.tool("h2load"), "--h1", *load, *sent, url]
        outputs.parse_h2load(run_tool(command, seconds + 60))
        latencies = outputs.read_h2load_log(log)
    if latencies.requests < 0.98 * rate_per_s * round(seconds):
        asked = f"{rate_per_s * round(seconds):,.0f}"
        raise outputs.LoadError(f"h2load sent {latencies.requests:,} requests of {asked}")
    return latencies


def h2load_command(
    port: int, message: Path, connections: int, streams: int, seconds: float
) -> list[str]:
    """The command that sends the bytes in `message` as ModelInfer. Raises AbsentError."""
    shape = [f"-c{connections}", f"-m{streams}", f"-D{max(1, round(seconds))}", "-d", str(message)]
    headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    url = f"http://127.0.0.1:{port}{bodies.GRPC_INFER}"
    return [peers.tool("h2load"), *shape, *headers, url]
