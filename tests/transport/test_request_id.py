import pytest

from seldon_core.transport.request_id import REQUEST_ID, request_id_of


@pytest.mark.parametrize("value", [b"a", b"abc-123~!", b"x" * 128], ids=["one", "signs", "longest"])
def test_a_clients_id_is_kept(value):
    assert request_id_of({REQUEST_ID: value}) == value.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        *(
            {REQUEST_ID: value}
            for value in (b"", b"x" * 129, b"-" * 129, b"a b", b"a\r\nb: c", b"a\n", b"\xe9")
        ),
    ],
    ids=[
        "none",
        "empty",
        "too long",
        "too long, of signs",
        "space",
        "line end",
        "last line end",
        "not ascii",
    ],
)
def test_what_is_unfit_becomes_a_new_id_each_time(headers):
    first, second = request_id_of(headers), request_id_of(headers)
    assert len(first) == len(second) == 20
    assert first != second
