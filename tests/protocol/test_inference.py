"""A payload is decoded when asked for, and once."""

import pytest

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import InferRequest, Payload


class CountingCodec:
    def __init__(self):
        self.calls = []

    def decode_request(self, body, json_length):
        self.calls.append((body, json_length))
        if not body:
            raise InvalidRequestError("empty")
        return InferRequest([])

    def encode_response(self, response, request):
        raise NotImplementedError


def test_a_payload_is_decoded_at_most_once_and_not_before_it_is_asked_for():
    codec = CountingCodec()
    payload = Payload(codec, b"body", 4)
    assert codec.calls == []
    assert payload.decode() is payload.decode()
    assert codec.calls == [(b"body", 4)]


def test_a_payload_that_cannot_be_decoded_says_so_each_time():
    payload = Payload(CountingCodec(), b"")
    for _ in range(2):
        with pytest.raises(InvalidRequestError):
            payload.decode()
