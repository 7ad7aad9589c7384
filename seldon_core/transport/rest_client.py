"""A REST client of the data plane, one connection for each call. Blocks."""

import http.client
from collections.abc import Sequence
from dataclasses import dataclass

from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.transport.endpoints import CONNECT_TIMEOUT_S, Endpoint

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back. `headers` are in their order, a repeated one once for each line."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of every line of header `name`, given in lower case."""
        return [value for key, value in self.headers if key.lower() == name]


class RestClient:
    """Calls one endpoint. `host` is what it says in the header Host."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._host, self._port = endpoint.host_port
        self._tls = endpoint.tls_context()
        self.host = endpoint.authority or endpoint.address

    def call(self, method: str, path: str, headers: Headers, body: bytes = b"") -> HttpReply:
        """Send a request and wait for its answer, as long as it takes.

        Raises UpstreamError if nobody is there or what answers does not speak HTTP, and
        InvalidRequestError if a header cannot be sent.
        """
        connection = self._connection()
        try:
            connection.connect()
        except OSError as error:
            raise self._endpoint.unreachable(error) from error
        try:
            connection.sock.settimeout(None)  # how long a model may take is the server's business
            return self._exchange(connection, method, path, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise UpstreamError(
                f"{self._endpoint.address} did not answer {method} {path} properly: "
                f"{str(error) or type(error).__name__}"
            ) from error
        except ValueError as error:
            raise InvalidRequestError(f"the request cannot be sent: {error}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, CONNECT_TIMEOUT_S)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=CONNECT_TIMEOUT_S, context=self._tls
        )

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Headers,
        body: bytes,
    ) -> HttpReply:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self.host)
        connection.putheader("Connection", "close")
        for name, value in headers:
            connection.putheader(name, value)
        if method != "GET":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return HttpReply(response.status, tuple(response.getheaders()), response.read())
