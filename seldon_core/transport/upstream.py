"""The hop: a replica in another process, reached by the Open Inference Protocol itself.

A call's body goes on as it was received, with what the replica has to know in headers: the version
that is meant, the request's id, the trace, and the time that is left. The answer comes back as the
replica wrote it and is not read here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from seldon_core.errors import SeldonError, UnsupportedError, UpstreamError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import Buffer, Encoded, ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.oip_binary import LENGTH_HEADER
from seldon_core.protocol.protobuf_wire import field_tag, varint
from seldon_core.protocol.relay import (
    grpc_error,
    http_error,
    read_config,
    read_metadata,
    read_statistics,
)
from seldon_core.protocol.relay_stream import RELAYED
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.transport import grpc_frames
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.handler import NO_DEADLINE, InferCall, Reply, StreamReply
from seldon_core.transport.hop import INTERNAL_MODEL, MODEL_HEADER, TIMEOUT
from seldon_core.transport.http2_links import Http2Links
from seldon_core.transport.links import Links
from seldon_core.transport.pending import Pending
from seldon_core.transport.request_id import REQUEST_ID
from seldon_core.transport.rpc_streams import FORMAT_HEADER
from seldon_core.transport.upstream_streams import events, talk

_TRACES: Final = (b"traceparent", b"tracestate")
_FORWARDED: Final = (b"content-type", LENGTH_HEADER, *_TRACES)
_METHOD: Final = b"/inference.GRPCInferenceService/"
_GRPC_TYPE: Final = b"application/grpc"
_MODEL_NAME: Final = bytes((field_tag(1),))
_MOST_KNOWN: Final = 4096
_LONGEST_LENGTH: Final = 18  # digits
_COARSE_S: Final = 100.0
_MOST_S: Final = 99_999_999  # what the header's eight digits can say


class RemoteReplica:
    """A RemoteHandler: answers calls by the replica at the other end of `links`.

    `rpc_links` is for gRPC, if that is another port: then the replica is not of our kind.
    """

    def __init__(
        self,
        links: Links[Any],
        authority: bytes,
        budget: InFlightBytes,
        rpc_links: Http2Links | None = None,
    ) -> None:
        self._links = links
        self._rpc_links = rpc_links or links
        self._is_ours = rpc_links is None
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._base = [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", authority)]
        self._get = [(b":method", b"GET"), *self._base[1:]]
        self._last_left_s, self._last_time = -1, (b"", b"")
        self._heads: dict[tuple[str, Verb], list[tuple[bytes, bytes]]] = {}

    def leave(self) -> None:
        """Connect no more, and close once the calls under way are answered."""
        self._links.leave()
        self._rpc_links.leave()

    async def infer(self, call: InferCall) -> Reply:
        """Pass a call on; the answer is as the replica wrote it.

        Raises UnreachableError, UpstreamError, and what the replica answered with.
        """
        if call.protocol == "grpc":
            return Reply(await self._infer_grpc(call))
        # In one coroutine, not one in another: each step from the loop passes through every frame.
        headers = self._rest_headers(call)
        client = self._links.ready() or await self._links.open()
        pending = Pending(self._loop, self._budget, is_grpc=False)
        stream_id = client.request(headers, (call.payload.body,), pending)
        try:
            await pending.answered
        except BaseException:
            client.cancel(stream_id)
            raise
        finally:
            pending.release()
        return Reply(_encoded(pending, call))

    async def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Pass a stream on, message by message; answers are as the replica wrote them."""
        if not self._is_ours:
            raise UnsupportedError(
                f"model {call.internal_model!r} is on a server of another kind, to which no "
                "streams go; send its requests one by one"
            )
        client = self._links.ready() or await self._links.open()
        if call.protocol == "grpc":
            model = call.internal_model.encode()
            head = [*self._rpc_headers(call, Verb.STREAM_INFER), (FORMAT_HEADER, RELAYED)]
            # By the other header all messages go to one model, whatever they name.
            replies = talk(client, [*head, (MODEL_HEADER, model)], call, messages)
        else:
            replies = events(client, self._rest_headers(call), call, messages)
        async with aclosing(replies):
            async for reply in replies:
                yield reply

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the model says of itself."""
        return read_metadata(await self._fetch(call, ""))

    async def ready(self, call: InferCall) -> bool:
        """Return whether the model would answer now. Raises NotFoundError if it is unknown."""
        answer = await self._exchange(self._head_of(call, self._get, "/ready"), ())
        code = _status(answer)
        if code in (b"200", b"400"):
            return code == b"200"
        raise _http_failure(answer, call)

    async def config(self, call: InferCall) -> ModelConfig:
        """Return how the model is served.

        Raises UnsupportedError if a replica of another kind does not tell.
        """
        return read_config(await self._fetch_told(call, "/config", "configuration of its models"))

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Return the counts of the model, or of every one.

        Raises UnsupportedError if a replica of another kind does not tell.
        """
        found = read_statistics(await self._fetch_told(call, "/stats", "statistics"))
        if self._is_ours:
            return found
        # There the version is a part of the name, and all are version 1.
        return [replace(one, name=name, version=version) for one, name, version in _split(found)]

    async def _infer_grpc(self, call: InferCall) -> Encoded:
        headers = self._rpc_headers(call, Verb.INFER)
        body = call.payload.body
        parts = [grpc_frames.prefix(len(body)), body]
        if not self._is_ours:
            # It looks at no header. Of a field that comes twice the last one counts.
            name = call.internal_model.encode()
            parts.append(_MODEL_NAME + varint(len(name)) + name)
            parts[0] = grpc_frames.prefix(len(body) + len(parts[2]))
        answer = await self._exchange(headers, parts, self._rpc_links)
        return Encoded(_GRPC_TYPE, _message_of(answer, call))

    async def _fetch(self, call: InferCall, path: str) -> Buffer:
        answer = await self._exchange(self._head_of(call, self._get, path), ())
        if _status(answer) != b"200":
            raise _http_failure(answer, call)
        return _joined(answer.body)

    async def _fetch_told(self, call: InferCall, path: str, what: str) -> Buffer:
        """Return what is at a path that servers of other kinds need not have."""
        answer = await self._exchange(self._head_of(call, self._get, path), ())
        code = _status(answer)
        if code in (b"404", b"405", b"501") and not self._is_ours:
            raise UnsupportedError(f"the replica is a server of another kind that tells no {what}")
        if code != b"200":
            raise _http_failure(answer, call)
        return _joined(answer.body)

    async def _exchange(
        self,
        headers: list[tuple[bytes, bytes]],
        body: Sequence[Buffer],
        rpc_links: Links[Any] | None = None,
    ) -> Pending:
        """Send a request and return its answer. Cancelled, it resets the stream."""
        links = rpc_links or self._links
        client = links.ready() or await links.open()
        pending = Pending(self._loop, self._budget, is_grpc=rpc_links is not None)
        stream_id = client.request(headers, body, pending)
        try:
            await pending.answered
        finally:
            client.cancel(stream_id)  # which is nothing if it was answered
            pending.release()
        return pending

    def _rest_headers(self, call: InferCall) -> list[tuple[bytes, bytes]]:
        head = self._heads.get((call.internal_model, call.verb))
        if head is None:
            head = self._new_head(call)
        headers = [*head, self._time_of(call)]
        given = call.headers
        for name in _FORWARDED:
            if name in given:
                headers.append((name, given[name]))  # noqa: PERF401 - few have any but the first
        # At the end, where a listener of ours looks for what alone is new in a header block.
        headers.append((REQUEST_ID, call.request_id.encode()))
        return headers

    def _rpc_headers(self, call: InferCall, verb: Verb) -> list[tuple[bytes, bytes]]:
        headers = [
            *self._base,
            (b":path", _METHOD + verb.value.encode()),
            (b"content-type", _GRPC_TYPE),
            (b"te", b"trailers"),
            (INTERNAL_MODEL, call.internal_model.encode()),
        ]
        if call.deadline != NO_DEADLINE:
            headers.append(self._time_of(call))
        given = call.headers
        headers += [(name, given[name]) for name in _TRACES if name in given]
        headers.append((REQUEST_ID, call.request_id.encode()))
        return headers

    def _new_head(self, call: InferCall) -> list[tuple[bytes, bytes]]:
        if len(self._heads) >= _MOST_KNOWN:
            self._heads.clear()
        head = self._head_of(call, self._base, f"/{call.verb.value}")
        if call.verb is Verb.INFER:
            head = self._head_of(call, self._base, "/infer")
        self._heads[call.internal_model, call.verb] = head
        return head

    def _head_of(
        self, call: InferCall, base: list[tuple[bytes, bytes]], path: str
    ) -> list[tuple[bytes, bytes]]:
        """Return the headers that are the same for every such call to a version."""
        model = call.internal_model
        if not model:
            return [*base, (b":path", b"/v2/models/stats")]
        below = f"/v2/models/{quote(model, safe='')}{path}".encode()
        return [*base, (b":path", below), (INTERNAL_MODEL, model.encode())]

    def _time_of(self, call: InferCall) -> tuple[bytes, bytes]:
        """Return the header with the time that is left."""
        left_s = call.deadline - self._loop.time()
        if left_s < _COARSE_S:
            return (TIMEOUT, b"%dm" % max(int(left_s * 1000), 0))
        # In whole seconds, which are the same for many calls: HTTP/2 sends a number instead.
        if self._last_left_s != int(left_s):
            self._last_left_s = min(int(left_s), _MOST_S)
            self._last_time = (TIMEOUT, b"%dS" % self._last_left_s)
        return self._last_time


def _encoded(answer: Pending, call: InferCall) -> Encoded:
    """Return an answer over HTTP as it is. Raises what it is if its status is not 200."""
    code, content_type = b"", b""
    json_length: bytes | None = None
    for name, value in answer.headers:
        if name == b":status":
            code = value
        elif name == b"content-type":
            content_type = value
        elif name == LENGTH_HEADER:
            json_length = value
    if code != b"200":
        raise _http_failure(answer, call)
    if json_length is None:
        return Encoded(content_type, answer.body)
    return Encoded(content_type, answer.body, _json_length(json_length, answer.body))


def _json_length(value: bytes, body: Sequence[Buffer]) -> int:
    nbytes = sum(map(len, body))
    if not value.isdigit() or len(value) > _LONGEST_LENGTH or int(value) > nbytes:
        found = value[:_LONGEST_LENGTH].decode("latin-1")
        raise UpstreamError(
            f"{LENGTH_HEADER.decode()} of a replica's answer of {nbytes} bytes is {found!r}"
        )
    return int(value)


def _split(
    found: Sequence[ModelStatistics],
) -> Iterator[tuple[ModelStatistics, str, str]]:
    """Yield the counts of models that routers can mean, each with its own name and version."""
    for one in found:
        name, _, version = one.name.rpartition("_")
        if name and version.isdigit():
            yield one, name, version


def _status(answer: Pending) -> bytes:
    return next((value for name, value in answer.headers if name == b":status"), b"")


def _http_failure(answer: Pending, call: InferCall) -> SeldonError:
    headers = dict(answer.headers)
    code = int(headers.get(b":status", b"500"))
    body = _joined(answer.body)
    return http_error(code, body, call.internal_model, headers.get(b"retry-after"))


def _message_of(answer: Pending, call: InferCall) -> list[Buffer]:
    """Return the one message of a gRPC answer; raises what the call ended with."""
    fields = dict(answer.trailers or answer.headers)
    code = fields.get(b"grpc-status")
    if code != b"0":
        if code is None:
            if _status(answer) != b"200":
                raise _http_failure(answer, call)
            raise UpstreamError("the replica ended the call without a gRPC status")
        raise grpc_error(code, fields.get(b"grpc-message", b""), call.internal_model)
    parts = answer.body
    if not parts or len(parts[0]) < grpc_frames.PREFIX_LENGTH:
        parts = [_joined(parts)]
    head = parts[0][: grpc_frames.PREFIX_LENGTH]
    length = sum(map(len, parts)) - grpc_frames.PREFIX_LENGTH
    if head != grpc_frames.prefix(length):
        raise UpstreamError("the replica's answer is not one uncompressed message")
    first = parts[0]
    large = len(first) > grpc_frames.VIEW_FROM
    rest = memoryview(first)[5:] if large else first[5:]
    return [rest, *parts[1:]]


def _joined(parts: Sequence[Buffer]) -> Buffer:
    return parts[0] if len(parts) == 1 else b"".join(parts)
