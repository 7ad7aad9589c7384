"""How the store writes its records down. Pure: from values to bytes and back.

A record is four bytes of CRC-32, big-endian, over its key and its body, then the body: msgpack of
`[schema, content]`. There are two kinds of keys:

    store                       {"now"}: the time of the last write
    <kind>/<namespace>/<name>   {"order", <kind>}: a model, server, pipeline or experiment, and
                                its place in the order of declarations; what `/` would
                                confuse is percent-encoded

Content is maps by field name, as `plain` shows them. All fields are always there, and no other: a
field that is not known in a record of this schema means damage or a program that somebody changed
without raising the schema, and is refused like damage. Whatever changes the content raises
`SCHEMA`, keeps reading the schemas before, and adds its own store to the upgrade test. Another kind
needs no other schema: a program that does not know it says that a newer one wrote it.

All that is wrong with bytes is raised as StoreError, whose text is about the record alone: the
caller knows the key and the file. A schema above `SCHEMA` is NewerSchemaError.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgpack

from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind, Stored
from seldon_core.scheduler.store_experiments import (
    check_experiment,
    plain_experiment,
    read_experiment,
)
from seldon_core.scheduler.store_models import check_model, plain_model, read_model
from seldon_core.scheduler.store_pipelines import check_pipeline, plain_pipeline, read_pipeline
from seldon_core.scheduler.store_scaling import check_scaling, plain_scaling, read_scaling
from seldon_core.scheduler.store_secrets import (
    check_secret,
    plain_agent_config,
    plain_secret,
    read_agent_config,
    read_secret,
)
from seldon_core.scheduler.store_servers import (
    check_server,
    check_server_config,
    plain_server,
    plain_server_config,
    read_server,
    read_server_config,
)
from seldon_core.scheduler.store_values import fields, seconds, whole

T = TypeVar("T")

SCHEMA = 1
HEAD_KEY = b"store"

_CRC_BYTES = 4
_LONGEST_KEY = 511  # bytes: what LMDB takes


class NewerSchemaError(StoreError):
    """A record was written by a newer version of this program."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How a kind is shown, read, and checked before it is kept."""

    plain: Callable[[Any], dict[str, Any]]
    read: Callable[[object], Stored]
    check: Callable[[Any], None]


_FORMS = {
    Kind.MODEL: _Form(plain_model, read_model, check_model),
    Kind.SERVER: _Form(plain_server, read_server, check_server),
    Kind.SERVER_CONFIG: _Form(plain_server_config, read_server_config, check_server_config),
    Kind.PIPELINE: _Form(plain_pipeline, read_pipeline, check_pipeline),
    Kind.EXPERIMENT: _Form(plain_experiment, read_experiment, check_experiment),
    Kind.SCALING: _Form(plain_scaling, read_scaling, check_scaling),
    Kind.SECRET: _Form(plain_secret, read_secret, check_secret),
    Kind.AGENT_CONFIG: _Form(plain_agent_config, read_agent_config, check_secret),
}


def record_key(stored: Stored) -> bytes:
    """Return where something is kept. Raises StoreError if its name is too long for a key."""
    parts = (stored.namespace, stored.name)
    path = "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)
    key = f"{stored.kind.value}/{path}".encode()
    if len(key) > _LONGEST_KEY:
        raise StoreError(
            f"{stored.kind.value} {stored.name[:40]!r}… cannot be kept: its name and namespace "
            f"take {len(key)} bytes, {_LONGEST_KEY} is the most"
        )
    return key


def encode_head(now: float) -> bytes:
    """Return the record of the time of the last write."""
    return _seal(HEAD_KEY, {"now": now})


def decode_head(data: bytes) -> tuple[int, float]:
    """Return the schema that the last write was made in, and its time."""
    schema, content = _unseal(HEAD_KEY, data)
    return schema, _checked(content, partial(fields, readers={"now": seconds}))["now"]


def encode_record(key: bytes, order: int, stored: Stored) -> bytes:
    """Return a record. Raises StoreError if it could not be read back."""
    kind = stored.kind
    try:
        _FORMS[kind].check(stored)
        return _seal(key, {"order": order, kind.value: plain(stored)})
    except (ValueError, OverflowError) as error:
        raise StoreError(f"{kind.value} {stored.name!r} cannot be kept: {error}") from error


def decode_record(key: bytes, data: bytes) -> tuple[int, Stored]:
    """Return what is kept under a key, and its place in the order of declarations."""
    kind = _kind_of(key)
    _, content = _unseal(key, data)
    readers = {"order": whole, kind.value: _FORMS[kind].read}
    found = _checked(content, partial(fields, readers=readers))
    return found["order"], found[kind.value]


def plain(stored: Stored) -> dict[str, Any]:
    """Return something kept as maps, lists, texts and numbers, which JSON and msgpack both know."""
    return _FORMS[stored.kind].plain(stored)


def read_plain(value: object, kind: Kind = Kind.MODEL) -> Stored:
    """Return what `plain` was given. Raises StoreError if it cannot be one of that kind."""
    return _checked(value, _FORMS[kind].read)


def read_now(value: object) -> float:
    """Return a time in seconds. Raises StoreError if it cannot be one."""
    return _checked(value, seconds)


def _kind_of(key: bytes) -> Kind:
    prefix = key.partition(b"/")[0].decode(errors="replace")
    try:
        return Kind(prefix)
    except ValueError:
        raise NewerSchemaError("this program keeps nothing of that kind") from None


def _seal(key: bytes, content: Mapping[str, Any]) -> bytes:
    # Paths that are no UTF-8 come as lone surrogates, which must outlive a restart as well.
    body: bytes = msgpack.packb([SCHEMA, content], unicode_errors="surrogatepass")
    return zlib.crc32(key + body).to_bytes(_CRC_BYTES, "big") + body


def _unseal(key: bytes, data: bytes) -> tuple[int, object]:
    body = data[_CRC_BYTES:]
    if zlib.crc32(key + body).to_bytes(_CRC_BYTES, "big") != data[:_CRC_BYTES]:
        raise StoreError("its checksum is wrong: its bytes are not those that were written")
    try:
        schema, content = msgpack.unpackb(body, unicode_errors="surrogatepass")
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise StoreError(f"it is not [schema, content] in msgpack: {error}") from error
    return check_schema(schema), content


def check_schema(schema: object) -> int:
    """Return `schema`. Raises NewerSchemaError or StoreError if this program does not read it."""
    if type(schema) is not int or schema < 1:
        raise StoreError(f"wanted a schema of at least 1, found {schema!r}")
    if schema > SCHEMA:
        raise NewerSchemaError(f"it has schema {schema}, this program reads up to {SCHEMA}")
    return schema


def _checked(value: object, read: Callable[[object], T]) -> T:
    try:
        return read(value)
    except ValueError as error:
        raise StoreError(str(error)) from error
