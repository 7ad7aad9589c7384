"""One inference call, by REST or gRPC: what is sent, what is shown of it, and how it ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

from seldon_core.cli.json_text import indented
from seldon_core.cli.output import say
from seldon_core.errors import SeldonError, UpstreamError
from seldon_core.transport.rest_client import HttpReply, RestClient

ROUTE_HEADER: Final = "x-seldon-route"
_SELECTOR: Final = "Seldon-Model"
_OK = 200
_BAD_REQUEST = 400

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended; `error` is None if it went well.

    `code` is the HTTP status or gRPC's number, `text` the answer as a person reads it, `routes`
    the values of `x-seldon-route`.
    """

    routes: tuple[str, ...]
    code: int
    text: str
    error: SeldonError | None


class Caller(Protocol):
    """Sends the same request again and again, each time with the routes to ask for."""

    def call(self, routes: Sequence[str]) -> Outcome:
        """Call once. Raises UpstreamError if there is no server."""

    def show_request(self) -> None:
        """Print what is sent as its body."""


class RestCaller:
    """Calls `/v2/models/<name>/infer`; `headers` of the user's replace those of the same name."""

    def __init__(
        self, client: RestClient, name: str, body: str, headers: Pairs, *, shows_headers: bool
    ) -> None:
        self._client = client
        self._path = f"/v2/models/{quote(name, safe='')}/infer"
        self._body = body
        self._headers = _merged([("Content-Type", "application/json"), (_SELECTOR, name)], headers)
        self._shows_headers = shows_headers

    def show_request(self) -> None:
        """Print the body, indented if it is JSON."""
        say(_readable(self._body))

    def call(self, routes: Sequence[str]) -> Outcome:
        """Call once over a connection of its own."""
        headers = [*self._headers, *((ROUTE_HEADER, route) for route in routes)]
        body = self._body.encode(errors="surrogateescape")  # bytes of an argument that are no text
        reply = self._client.call("POST", self._path, headers, body)
        if self._shows_headers:
            say(f"> POST {self._path} HTTP/1.1")
            say(f"> Host: {self._client.host}")
            _say_headers(">", headers, canonical=True)
            _say_headers("<", reply.headers, canonical=True)
        text, error = read_reply(reply)
        return Outcome(tuple(reply.values(ROUTE_HEADER)), reply.status, text, error)


def read_metadata(client: RestClient, name: str) -> str:
    """Return what a model says of itself, as JSON. Raises SeldonError if it is not answered."""
    reply = client.call("GET", f"/v2/models/{quote(name, safe='')}", [(_SELECTOR, name)])
    text, error = read_reply(reply)
    if error is not None:
        raise error
    return text


def read_reply(reply: HttpReply) -> tuple[str, SeldonError | None]:
    """Return the body to show, and the error in Seldon's words if the status is not 200."""
    text = reply.body.decode("utf-8", "replace")
    if reply.status == _OK:
        return _readable(text), None
    if reply.status == _BAD_REQUEST:
        try:
            return "", UpstreamError(str(json.loads(text)["error"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # of somebody who does not speak the protocol
    return "", UpstreamError(f"V2 server error: {reply.status} {text}")


class GrpcCaller:
    """Calls `ModelInfer`; `headers` of the user's replace metadata of the same name.

    `client` is a GrpcClient and `request` a ModelInferRequest: their modules are imported only
    where gRPC is called.
    """

    def __init__(
        self, client: Any, name: str, request: Any, headers: Pairs, *, shows_headers: bool
    ) -> None:
        self._client = client
        self._request = request
        self._metadata = [
            (key.lower(), value) for key, value in _merged([(_SELECTOR, name)], headers)
        ]
        self._shows_headers = shows_headers

    def show_request(self) -> None:
        """Print the request as one line of JSON."""
        from seldon_core.protocol.oip_protojson import show_message

        say(show_message(self._request))

    def call(self, routes: Sequence[str]) -> Outcome:
        """Call once over the client's channel."""
        from seldon_core.protocol.oip_protojson import decode_raw_outputs, show_message
        from seldon_core.transport.grpc_client import INFER_METHOD

        metadata = [*self._metadata, *((ROUTE_HEADER, route) for route in routes)]
        reply = self._client.infer(self._request, metadata)
        if self._shows_headers:
            say(f"> {INFER_METHOD} HTTP/2")
            say(f"> Host: {self._client.host}")
            _say_headers(">", metadata)
            _say_headers("<", reply.headers, ends=False)
            _say_headers("<<", reply.trailers)
        got = tuple(reply.values(ROUTE_HEADER))
        if reply.response is None:
            return Outcome(got, reply.code, "", reply.error)
        decode_raw_outputs(reply.response)
        return Outcome(got, 0, show_message(reply.response), None)


def _readable(text: str) -> str:
    try:
        return indented(text, "\t")
    except (ValueError, RecursionError):
        return text


def _merged(own: Pairs, given: Pairs) -> list[tuple[str, str]]:
    names = {name.lower() for name, _ in given}
    return [*((name, value) for name, value in own if name.lower() not in names), *given]


def _say_headers(mark: str, headers: Pairs, *, canonical: bool = False, ends: bool = True) -> None:
    """Print headers, the values of a repeated one together, and an empty line where they end."""
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(_canonical(name) if canonical else name, []).append(value)
    for name, values in grouped.items():
        say(f"{mark} {name}:[{' '.join(values)}]")
    if ends:
        say("")


def _canonical(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
