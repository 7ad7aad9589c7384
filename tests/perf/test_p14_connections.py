import socket
import threading
from types import SimpleNamespace

import pytest

from perf.harness.outputs import LoadError
from perf.scenarios import p14_connections


@pytest.fixture
def answering():
    """A server that answers one request on each connection with what is put first in the list."""
    answers = [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answers[0])

        thread = threading.Thread(target=serve)
        thread.start()
        yield SimpleNamespace(port=listening.getsockname()[1]), answers
        thread.join()


def test_a_connection_is_answered_once_and_stays_open(answering):
    server, _ = answering
    with p14_connections.infer_on_new(server, 1) as connection:
        assert connection.fileno() != -1


def test_a_refusal_on_one_of_many_connections_is_an_error(answering):
    server, answers = answering
    answers[0] = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
    with pytest.raises(LoadError, match=r"one of 7 connections.*503"):
        p14_connections.infer_on_new(server, 7)
