"""Who is at the other end of a connection."""

import asyncio


def peer_name(transport: asyncio.BaseTransport) -> str:
    """Return the other end's address and port, `127.0.0.1:51234`; empty if it has none."""
    address = transport.get_extra_info("peername")
    if not isinstance(address, tuple):
        return ""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
