"""The description of the REST interface: OpenAPI for programs, and a page of it for people.

What they need is imported and read when somebody first asks: a start pays nothing for it.
"""

import asyncio
from functools import cache
from pathlib import Path

from seldon_core.protocol.dialects import Target, Verb
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata
from seldon_core.transport.exchange import HttpAnswer
from seldon_core.transport.handler import InferHandler, ServerState
from seldon_core.transport.rest_call import RestCall, RestMethod


def docs_methods(handler: InferHandler, server: ServerState) -> dict[Verb, RestMethod]:
    """Return what answers the calls for the description of the server or of one model."""
    docs = _Docs(handler, server)
    return {Verb.DOCS: docs.page, Verb.OPENAPI: docs.document}


class _Docs:
    """Both raise NotFoundError if the model that is named is unknown."""

    def __init__(self, handler: InferHandler, server: ServerState) -> None:
        self._handler = handler
        self._server = server
        self._one_a_turn = asyncio.Lock()

    async def page(self, call: RestCall) -> HttpAnswer:
        """Answer with the page, which itself asks for the document that lies below its path."""
        if call.target.model:
            await self._handler.metadata(call.for_handler())
        page, policy = _page()
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", policy),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            call.id_header,
        ]
        return HttpAnswer(200, headers, (page,))

    async def document(self, call: RestCall) -> HttpAnswer:
        """Answer with the document; a model's has its tensors."""
        server, target = self._server.metadata(), call.target
        metadata = await self._handler.metadata(call.for_handler()) if target.model else None
        # It takes 1 to 2 ms, 10 for a model of 400 tensors: one in each turn of the loop, so that
        # who asks for many does not stop the others.
        async with self._one_a_turn:
            body = _document(server, metadata, target)
            await asyncio.sleep(0)
        return call.answer(body)


def _document(server: ServerMetadata, metadata: ModelMetadata | None, target: Target) -> bytes:
    import orjson

    from seldon_core.protocol.openapi import model_document, server_document

    if metadata is None:
        return orjson.dumps(server_document(server))
    return orjson.dumps(model_document(server, metadata, target.model, target.version))


@cache
def _page() -> tuple[bytes, bytes]:
    """Return the page, and a policy by which a browser runs nothing but what stands in it, and
    lets it talk to nobody but this server. Read on the loop, once, as a module would be."""
    from base64 import b64encode
    from hashlib import sha256

    page = Path(__file__).with_name("docs.html").read_bytes()

    def digest(tag: bytes) -> bytes:
        inside = page.partition(b"<%s>" % tag)[2].partition(b"</%s>" % tag)[0]
        return b"'sha256-%s'" % b64encode(sha256(inside).digest())

    policy = (
        b"default-src 'none'; script-src %s; style-src %s; connect-src 'self'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'" % (digest(b"script"), digest(b"style"))
    )
    return page, policy
