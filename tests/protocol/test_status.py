"""The table from errors to statuses."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core import errors
from seldon_core.errors import NotFoundError, SeldonError
from seldon_core.protocol.status import (
    GRPC_CODES,
    GRPC_MESSAGE_LIMIT,
    HTTP_REASONS,
    STATUSES,
    Status,
    percent_encode_message,
    status_of,
)


def every_class(root):
    return {root}.union(*(every_class(child) for child in root.__subclasses__()))


def test_every_error_of_this_project_has_a_row():
    ours = {kind for kind in every_class(SeldonError) if kind.__module__ == errors.__name__}
    assert {*STATUSES} == ours


def test_every_row_has_a_known_status_and_code():
    for status in STATUSES.values():
        assert status.http in HTTP_REASONS
        assert 0 < status.grpc < len(GRPC_CODES)


def test_an_error_without_a_row_has_its_parents():
    class VersionNotFoundError(NotFoundError):
        pass

    assert status_of(VersionNotFoundError("version", "7")) == Status(404, 5)


def test_what_is_no_error_of_ours_is_internal():
    assert status_of(ZeroDivisionError()) == Status(500, 13)


@pytest.mark.parametrize(
    ("code", "name"),
    [(0, "OK"), (1, "Canceled"), (5, "NotFound"), (14, "Unavailable"), (16, "Unauthenticated")],
    ids=["ok", "cancelled", "not-found", "unavailable", "last"],
)
def test_codes_are_named_as_metrics_name_them(code, name):
    assert GRPC_CODES[code] == name


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("plain text, 'quoted' ~", b"plain text, 'quoted' ~"),
        ("100 %", b"100 %25"),
        ("line\nbreak", b"line%0Abreak"),
        ("é", b"%C3%A9"),
        ("\ud800", b"?"),
    ],
    ids=["plain", "percent", "control", "accent", "surrogate"],
)
def test_a_message_keeps_only_printable_characters(text, encoded):
    assert percent_encode_message(text) == encoded


@given(st.text(max_size=3000) | st.integers(0, 3000).map("é".__mul__))
def test_a_long_message_is_cut_between_characters(text):
    encoded = percent_encode_message(text)
    assert len(encoded) <= GRPC_MESSAGE_LIMIT
    assert text.startswith(unquote(encoded.decode(), errors="strict"))
    if len(text) < GRPC_MESSAGE_LIMIT // 12:
        assert unquote(encoded.decode()) == text


def test_a_long_plain_message_uses_all_the_room():
    assert percent_encode_message("x" * 5000) == b"x" * GRPC_MESSAGE_LIMIT


def test_an_error_of_another_process_has_the_statuses_that_it_said():
    assert status_of(errors.RelayedError("why", 418, 9)) == Status(418, 9)
    assert status_of(errors.UnreachableError("gone")) == Status(503, 14)
