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
            return address if name == "peername" else default

    assert peer_name(Transport()) == name


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        (
            {"subject": ((("organizationName", "ops"),), (("commonName", "alice"),))},
            "CN=alice,O=ops",
        ),
        ({"subject": ((("commonName", 'a,CN="x\\y"\n'),),)}, r"CN=a\,CN\=\"x\\y\"?"),
        ({"subject": (), "subjectAltName": (("URI", "spiffe://a/b"),)}, "URI:spiffe://a/b"),
        ({"subject": ((("serialNumber", "7"),),)}, "serialNumber=7"),
        ({"serialNumber": "01"}, "a certificate without a name"),
    ],
    ids=["names", "signs that part names", "other names only", "a rare part", "nothing"],
)
def test_a_peer_with_a_certificate_is_named_by_its_subject(certificate, name):
    class Transport(asyncio.BaseTransport):
        def get_extra_info(self, name, default=None):
            return {"peercert": certificate, "peername": ("127.0.0.1", 5)}.get(name)

    assert peer_name(Transport()) == name
