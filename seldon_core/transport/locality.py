"""Whether a request comes from this very machine, which is what lets it change the server.

An address alone does not say so. A page in a browser on this machine reaches loopback too: it is
told by Origin, and by a Host that is a name of its own (DNS rebinding). A proxy on this machine
passes on what others send: it says so by what it adds, if it is set up to. A mesh's sidecar does
that from an address of its own, such as Istio's 127.0.0.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from seldon_core.errors import ForbiddenError
from seldon_core.protocol.tensors import brief

_HERE: Final = frozenset(map(ip_address, ("127.0.0.1", "::1")))
_PROXIED: Final = (b"forwarded", b"x-real-ip", b"via")
_PROXIED_PREFIXES: Final = (b"x-forwarded-", b"x-envoy-")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: address and port (`127.0.0.1:51234`), and its headers."""

    peer: str
    headers: Mapping[bytes, bytes]


def check_is_local(caller: Caller, what: str) -> None:
    """Raise ForbiddenError, which says what to do, unless the caller is of this machine.

    `what` is what it wants to do, after "may".
    """
    found = _foreign(caller)
    if found:
        raise ForbiddenError(
            f"only a client on the server's own machine may {what}, and {found}: "
            "call localhost there, not through a browser or a proxy"
        )


def _foreign(caller: Caller) -> str:
    """Return what speaks against a caller, "" if nothing does."""
    if _address_of(_host_of(f"//{caller.peer}")) not in _HERE:
        return f"this one is at {caller.peer or 'no known address'}"
    for name in caller.headers:
        if name in _PROXIED or name.startswith(_PROXIED_PREFIXES):
            return f"the header {brief(name.decode('latin-1'))} says that it came through a proxy"
    named = foreign_name(caller.headers)
    return f"the {named[0]} of this request is {brief(named[1])}" if named else ""


def foreign_name(headers: Mapping[bytes, bytes]) -> tuple[str, str] | None:
    """Return which of Host and Origin does not name this machine, and its value; None if both do,
    or are not there."""
    for name, prefix in (("host", "//"), ("origin", "")):
        value = headers.get(name.encode())
        if value is not None and not _is_local_name(_host_of(prefix + value.decode("latin-1"))):
            return name, value.decode("latin-1")
    return None


def _is_local_name(host: str) -> bool:
    address = _address_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address_of(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _host_of(url: str) -> str:
    """Return the host of a URL in lower case, "" if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
