"""Bodies on their way into a library that is only a notebook."""

import pytest

from seldon_core.transport.sending import SEND_AHEAD
from seldon_core.transport.uploads import JOIN_UP_TO, Uploads


class GoneError(Exception):
    """The stream is over."""


class Notebook:
    """Keeps what it is given by stream; `gone` are streams that are over."""

    def __init__(self):
        self.gone = set()
        self.sent = {}
        self.queued = {}
        self.ended = set()

    def queued_body_size(self, stream_id):
        self._check(stream_id)
        return self.queued.get(stream_id, 0)

    def send_data(self, stream_id, data, *, end_stream=False):
        self._check(stream_id)
        self.sent[stream_id] = self.sent.get(stream_id, b"") + bytes(data)
        self.queued[stream_id] = self.queued.get(stream_id, 0) + len(data)
        if end_stream:
            self.end_stream(stream_id)

    def end_stream(self, stream_id):
        self._check(stream_id)
        self.ended.add(stream_id)

    def _check(self, stream_id):
        if stream_id in self.gone:
            raise GoneError


@pytest.fixture
def book():
    return Notebook()


@pytest.fixture
def rooms():
    return []


@pytest.fixture
def uploads(book, rooms):
    return Uploads(book, GoneError, rooms.append)


LARGE = bytes(range(256)) * (SEND_AHEAD // 128)  # twice what the library is given ahead


def sent_in_full(book, uploads, stream_id):
    """Let the library send until it has all; return how often it was refilled."""
    count = 0
    while uploads.rests:
        book.queued[stream_id] = 0
        assert uploads.refill()
        count += 1
    return count


@pytest.mark.parametrize(
    "body", [(b"a",), (b"a", b"b"), (bytes(JOIN_UP_TO - 1), b"a")], ids=["one", "two", "most"]
)
def test_a_small_body_is_given_at_once(uploads, book, body):
    uploads.give(1, body)
    assert book.sent == {1: b"".join(body)}
    assert book.ended == {1}
    assert not uploads.rests
    assert not uploads.forget(1)


def test_a_large_body_is_given_bit_by_bit_and_ended(uploads, book, rooms):
    uploads.give(1, (LARGE, b"end"))
    assert len(book.sent[1]) == SEND_AHEAD
    assert not book.ended
    assert not uploads.refill()  # the library has sent nothing
    assert sent_in_full(book, uploads, 1) == 2
    assert book.sent[1] == LARGE + b"end"
    assert book.ended == {1}
    assert rooms == [1]


def test_an_open_request_ends_when_it_is_said(uploads, book, rooms):
    uploads.open.add(1)
    uploads.give(1, (b"a",))
    uploads.give(1, (b"b",))
    assert book.sent == {1: b"ab"}
    assert not book.ended
    assert uploads.end(1)
    assert book.ended == {1}
    assert not uploads.end(1)


def test_what_comes_later_stands_behind_what_waits(uploads, book, rooms):
    uploads.open.add(1)
    uploads.give(1, (LARGE,))
    uploads.give(1, (b"a", b"b"))
    assert not uploads.end(1)  # what waits goes before
    sent_in_full(book, uploads, 1)
    assert book.sent[1] == LARGE + b"ab"
    assert book.ended == {1}


def test_an_open_request_stays_open_when_all_has_left(uploads, book, rooms):
    uploads.open.add(1)
    uploads.give(1, (LARGE,))
    sent_in_full(book, uploads, 1)
    assert rooms == [1]
    assert not book.ended


def test_what_is_left_is_forgotten(uploads):
    uploads.give(1, (LARGE,))
    uploads.open.update((3, 5))
    uploads.give(5, (LARGE,))
    assert [uploads.forget(stream) for stream in (1, 3, 5, 7)] == [True, True, True, False]
    assert not uploads.rests
    assert not uploads.open


def test_a_lost_connection_leaves_nothing(uploads):
    rests, opened = uploads.rests, uploads.open
    uploads.give(1, (LARGE,))
    uploads.open.add(3)
    uploads.forget_all()
    assert not rests
    assert not opened
    assert (uploads.rests, uploads.open) == (rests, opened)


def test_a_stream_that_is_over_takes_no_more(uploads, book, rooms):
    book.gone.update((1, 3))
    uploads.open.add(3)
    uploads.give(1, (b"a",))
    uploads.give(1, (LARGE,))
    assert not uploads.end(3)
    assert not uploads.rests
    assert not book.sent
    assert not rooms


def test_one_stream_that_is_over_does_not_keep_the_others(uploads, book):
    uploads.give(1, (LARGE,))
    uploads.give(3, (LARGE,))
    book.gone.add(1)
    book.queued.clear()
    assert uploads.refill()
    assert 1 not in uploads.rests
    assert book.sent[3] == LARGE
