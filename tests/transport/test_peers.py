import asyncio

import pytest

from seldon_core.transport.peers import peer_name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (("127.0.0.1", 5), "127.0.0.1:5"),
        (("::1", 5, 0, 0), "[::1]:5"),
        ("", ""),
        (None, ""),
    ],
    ids=["v4", "v6", "unix", "none"],
)
def test_a_peer_is_named_by_its_address(address, name):
    class Transport(asyncio.BaseTransport):
        def get_extra_info(self, name, default=None):
            return address

    assert peer_name(Transport()) == name
