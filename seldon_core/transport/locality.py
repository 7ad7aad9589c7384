"""Whether a request comes from this very machine, which is what lets it change the server.

An address alone does not say so. A page in a browser on this machine reaches loopback too: it is
told by Origin, and by a Host that is a name of its own (DNS rebinding). A proxy on this machine
passes on what others send: it says so by what it adds, if it is set up to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from seldon_core.errors import ForbiddenError
from seldon_core.protocol.tensors import brief

_PROXIED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


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
    if not _is_loopback(_host_of(f"//{caller.peer}")):
        return f"this one is at {caller.peer or 'no known address'}"
    for name in _PROXIED:
        if name in caller.headers:
            return f"the header {name.decode()} says that this request came through a proxy"
    for name, prefix in ((b"host", "//"), (b"origin", "")):
        value = caller.headers.get(name)
        if value is not None and not _is_local_name(_host_of(prefix + value.decode("latin-1"))):
            return f"the {name.decode()} of this request is {brief(value.decode('latin-1'))}"
    return ""


def _is_local_name(host: str) -> bool:
    return host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback


def _host_of(url: str) -> str:
    """Return the host of a URL in lower case, "" if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
