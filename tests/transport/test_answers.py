import pytest

from seldon_core.transport.answers import Exchange, refusal, size, write
from seldon_core.transport.exchange import HttpAnswer, HttpRequest


class FakeTransport:
    def __init__(self):
        self.calls = []

    def write(self, data):
        self.calls.append([bytes(data)])

    def writelines(self, parts):
        self.calls.append([bytes(part) for part in parts])


def written(answer, method=b"GET", is_last=False, echo=False):
    transport = FakeTransport()
    exchange = Exchange(HttpRequest(method, b"/", {}), is_last)
    exchange.echo_keep_alive = echo
    write(transport, exchange, answer)
    return transport.calls


def test_a_small_answer_is_one_write():
    answer = HttpAnswer(200, [(b"a", b"1"), (b"b", b"2")], (b"bo", bytearray(b"dy")))
    assert written(answer) == [
        [b"HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\ncontent-length: 4\r\n\r\nbody"],
    ]


def test_an_answer_without_a_body_has_length_zero():
    assert written(HttpAnswer(400, [])) == [
        [b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"]
    ]


def test_a_large_answer_is_written_in_its_parts():
    parts = (b"x" * 20_000, memoryview(bytes(8)).cast("q"))
    head, *rest = written(HttpAnswer(200, [], parts))[0]
    assert head == b"HTTP/1.1 200 OK\r\ncontent-length: 20008\r\n\r\n"
    assert rest == [b"x" * 20_000, bytes(8)]


def test_the_answer_to_head_has_the_length_and_no_body():
    assert written(HttpAnswer(200, [], (b"body",)), b"HEAD") == [
        [b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"],
    ]


@pytest.mark.parametrize(
    ("is_last", "echo", "line"),
    [(True, True, b"connection: close"), (False, True, b"connection: keep-alive")],
    ids=["last", "kept"],
)
def test_the_answer_says_whether_the_connection_stays(is_last, echo, line):
    assert line + b"\r\n" in written(HttpAnswer(200, []), is_last=is_last, echo=echo)[0][0]


def test_a_refusal_has_the_protocols_error_body_and_the_requests_id():
    answer = refusal({b"x-request-id": b"mine"}, 503, "no room", 2)
    assert answer.status == 503
    assert answer.headers == [
        (b"content-type", b"application/json"),
        (b"x-request-id", b"mine"),
        (b"retry-after", b"2"),
    ]
    assert answer.parts == (b'{"error":"no room"}',)
    assert size(answer) == 19
    assert dict(refusal({}, 400, "").headers)[b"x-request-id"]
