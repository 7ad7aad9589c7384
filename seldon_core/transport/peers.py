"""Who is at the other end of a connection."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

_SHORT: Final = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
}


def peer_name(transport: asyncio.BaseTransport) -> str:
    """Return who the other end is.

    By the subject of its certificate, `CN=alice,O=ops`, if it showed one; else its address and
    port, `127.0.0.1:51234`; empty if it has neither.
    """
    certificate = transport.get_extra_info("peercert")
    if certificate:
        return _subject(certificate)
    address = transport.get_extra_info("peername")
    if not isinstance(address, tuple):
        return ""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _subject(certificate: Mapping[str, Any]) -> str:
    """Return the subject on one line; one without names is called by its first other name."""
    parts = [
        f"{_SHORT.get(name, name)}={_plain(value)}"
        for group in reversed(certificate.get("subject", ()))
        for name, value in group
    ]
    others = [f"{kind}:{_plain(value)}" for kind, value in certificate.get("subjectAltName", ())]
    return ",".join(parts) or next(iter(others), "a certificate without a name")


def _plain(value: str) -> str:
    """Return a part of a name so that it can be taken for nothing else in a line of a log."""
    escaped = "".join(f"\\{char}" if char in ',=+\\"' else char for char in value)
    return "".join(char if char.isprintable() else "?" for char in escaped)
