import pytest

from seldon_core.errors import ForbiddenError
from seldon_core.transport.locality import Caller, check_is_local

HERE = ["127.0.0.1:1", "[::1]:51234", "[::ffff:127.0.0.1]:5"]
AWAY = [
    *("127.0.0.6:40001", "127.8.9.10:65535", "[::ffff:127.0.0.6]:5", "[::1%lo]:5"),
    *("10.0.0.7:51234", "[2001:db8::1]:5", "[::ffff:10.0.0.7]:5", "[fe80::1%eth0]:5", "0.0.0.0:1"),
    *("", "localhost:5", "[::]:5", "1270.0.0.1:5", "[127.0.0.1", "127.0.0.1.example:5", "@:5"),
]


@pytest.mark.parametrize("peer", HERE)
def test_loopback_is_this_machine(peer):
    check_is_local(Caller(peer, {}), "load a model")


@pytest.mark.parametrize("peer", AWAY)
def test_any_other_address_is_not_and_is_told_what_to_do(peer):
    with pytest.raises(ForbiddenError) as caught:
        check_is_local(Caller(peer, {}), "load a model")
    assert str(caught.value) == (
        "only a client on the server's own machine may load a model, and this one is at "
        f"{peer or 'no known address'}: call localhost there, not through a browser or a proxy"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"host", b"localhost:9000"),
        (b"host", b"127.0.0.1:9000"),
        (b"host", b"[::1]:9000"),
        (b"host", b"127.0.1.1:9000"),
        (b"host", b"LOCALHOST"),
        (b"origin", b"http://localhost:3000"),
        (b"user-agent", b"curl"),
    ],
)
def test_local_names_are_this_machine(name, value):
    check_is_local(Caller("127.0.0.1:5", {name: value}), "load a model")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"host", b"evil.example:9000"),
        (b"host", b"localhost.evil.example"),
        (b"host", b""),
        (b"host", b"["),
        (b"host", b"\xff"),
        (b"origin", b"http://evil.example"),
        (b"origin", b"null"),
        (b"origin", b"http://localhost@evil.example"),
    ],
)
def test_a_page_in_a_browser_is_not(name, value):
    with pytest.raises(ForbiddenError, match=f"the {name.decode()} of this request is"):
        check_is_local(Caller("127.0.0.1:5", {name: value}), "load a model")


@pytest.mark.parametrize(
    "name",
    [
        *(b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"),
        *(b"x-real-ip", b"via", b"x-envoy-internal"),
    ],
)
def test_what_came_through_a_proxy_is_not(name):
    with pytest.raises(ForbiddenError, match=f"the header '{name.decode()}' says .* a proxy"):
        check_is_local(Caller("127.0.0.1:5", {name: b"127.0.0.1"}), "load a model")
