import asyncio

from tests.support.http2_peer import request_headers
from tests.support.one_stream import OneStream, asked


def test_whose_fault_it_was_that_time_passed_is_told_apart():
    async def main():
        stream = OneStream(request_headers(b"POST", b"/p")).stream
        assert stream.expire().headers[0] == (b":status", b"408")
        stream.has_ended = True
        assert stream.expire().headers[0] == (b":status", b"504")
        assert stream.fail().headers[0] == (b":status", b"500")
        assert stream.shared.refusals.counts == {
            ("rest", code): 1 for code in ("408", "504", "500")
        }

    asyncio.run(main())


def test_a_json_body_above_its_limit_is_told_of_the_binary_extension():
    length = (b"content-length", b"2000")
    headers, body = asked(request_headers(b"POST", b"/p", length), json_bytes=1000)
    assert headers[b":status"] == b"413"
    assert b"binary tensor data extension" in body
    headers, body = asked(request_headers(b"POST", b"/p"), bytes(1001), json_bytes=1000)
    assert headers[b":status"] == b"413"
    binary = (b"inference-header-content-length", b"10")
    headers, _ = asked(request_headers(b"POST", b"/p", binary), bytes(1001), json_bytes=1000)
    assert headers[b":status"] == b"200"


def test_a_tunnel_is_refused_before_its_client_ends():
    async def main():
        world = OneStream([(b":method", b"CONNECT"), (b":authority", b"a:80")])
        refusal = world.stream.open()
        assert world.shared.counters.bad_requests == 1
        return dict(refusal.headers), b"".join(refusal.parts)

    headers, body = asyncio.run(main())
    assert headers[b":status"] == b"501"
    assert b"opens no tunnel" in body


def test_a_body_comes_in_any_pieces():
    _, body = asked(request_headers(b"POST", b"/p"), b"a", b"bc", b"def")
    assert body == b"POST /p 6"


def test_without_room_a_request_is_told_when_to_come_back(caplog):
    block = request_headers(b"POST", b"/p", (b"content-length", b"2000"))

    async def main():
        world = OneStream(block, in_flight_bytes=1000)
        world.budget.take(1)
        headers = dict((await world.send()).headers)
        assert world.shared.refusals.counts == {("rest", "503"): 1}
        return headers

    headers = asyncio.run(main())
    assert headers[b":status"] == b"503"
    assert headers[b"retry-after"] == b"1"
    assert "refused a request for lack of room method_type=rest" in caplog.text
