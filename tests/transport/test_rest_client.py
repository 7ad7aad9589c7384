import socket
import threading

import pytest

from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.transport.endpoints import ClientTls, Endpoint
from seldon_core.transport.rest_client import RestClient
from tests.support.certificates import make_certificates
from tests.support.http_peer import http_peer


def test_a_request_is_sent_as_given_on_a_connection_of_its_own():
    with http_peer() as peer:
        client = RestClient(Endpoint(peer.address, "seldon.example.com"))
        assert client.host == "seldon.example.com"
        for _ in range(2):
            client.call("POST", "/v2", [("X-Route", "a"), ("X-Route", "b")], "ü".encode())
    method, path, headers, body = peer.requests[1]
    assert (method, path, body.decode()) == ("POST", "/v2", "ü")
    assert headers["host"] == "seldon.example.com"
    assert headers["connection"] == "close"
    assert headers.get_all("x-route") == ["a", "b"]


def test_the_answer_has_every_line_of_a_repeated_header():
    with http_peer() as peer:
        peer.answers = [(404, [("x-route", "a"), ("X-Route", "b")], b"no")]
        reply = RestClient(Endpoint(peer.address)).call("GET", "/v2", [])
    assert (reply.status, reply.body) == (404, b"no")
    assert reply.values("x-route") == ["a", "b"]
    assert peer.requests[0][2]["host"] == peer.address
    assert "content-length" not in peer.requests[0][2]


def test_nobody_there_is_said_with_the_address():
    with http_peer() as peer:
        pass
    with pytest.raises(UpstreamError, match=f"cannot reach {peer.address}: Connection refused"):
        RestClient(Endpoint(peer.address)).call("GET", "/", [])


def test_a_server_that_hangs_up_is_said_with_the_request():
    with http_peer() as peer:
        peer.answers = [(0, [], b"")]
        with pytest.raises(UpstreamError, match=rf"{peer.address} did not answer GET /v2 properly"):
            RestClient(Endpoint(peer.address)).call("GET", "/v2", [])


def test_what_does_not_speak_http_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-hello\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UpstreamError, match=r"SSH-2\.0-hello"):
            RestClient(Endpoint(f"127.0.0.1:{server.getsockname()[1]}")).call("GET", "/", [])
        thread.join()


def test_a_header_with_a_line_break_is_refused():
    with http_peer() as peer, pytest.raises(InvalidRequestError, match="cannot be sent"):
        RestClient(Endpoint(peer.address)).call("GET", "/", [("x", "a\nb")])


def test_tls_is_spoken_with_a_trusted_server(tmp_path):
    files = make_certificates(tmp_path)
    with http_peer(tls=(files.server, files.server_key)) as peer:
        trusting = Endpoint(peer.address, tls=ClientTls(files.ca))
        assert RestClient(trusting).call("GET", "/", []).status == 200
        doubting = Endpoint(peer.address, tls=ClientTls())
        with pytest.raises(UpstreamError, match="certificate verify failed"):
            RestClient(doubting).call("GET", "/", [])
        careless = Endpoint(peer.address, tls=ClientTls(verify=False))
        assert RestClient(careless).call("GET", "/", []).status == 200
