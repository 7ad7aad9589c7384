"""A reader of HTTP/1 that is given bytes as a connection would give them."""

import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.http1 import SLICE_BYTES, Http1Reader
from seldon_core.transport.http1_rules import RefusedError
from seldon_core.transport.settings import ListenerSettings


class Reading:
    """A reader that is given bytes in any pieces, as a connection would."""

    def __init__(self, **changes):
        self.settings = ListenerSettings(**changes)
        self.budget = InFlightBytes(self.settings.in_flight_bytes)
        self.reader = Http1Reader(self.settings, self.budget)
        self.taken = []

    def give(self, data):
        received = bytearray(data)
        if self.reader.body is None:
            exchange = self.reader.feed_again(received, len(received))
            if exchange is not None:
                self.taken.append(exchange)
                return self
        view, at = memoryview(received), 0
        while at < len(view) and not self.reader.is_ended:
            if self.reader.body is not None:
                at += self.reader.fill_from(view[at:])
            else:
                self.reader.feed(view[at : at + SLICE_BYTES])
                at += SLICE_BYTES
            self.taken += self.reader.completed
            self.reader.completed.clear()
        return self

    def requests(self):
        return [
            (e.request.method, e.request.target, e.request.headers, bytes(e.request.body))
            for e in self.taken
        ]


def refused(data, **changes):
    with pytest.raises(RefusedError) as caught:
        Reading(**changes).give(data)
    return caught.value
