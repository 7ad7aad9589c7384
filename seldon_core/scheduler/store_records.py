"""How the store writes its records down. Pure: from values to bytes and back.

A record is four bytes of CRC-32, big-endian, over its key and its body, then the body: msgpack of
`[schema, content]`. There are two kinds of keys:

    store                       {"now"}: the time of the last write
    model/<namespace>/<name>    {"order", "model"}: a model, and its place in the order in which
                                models were declared; what `/` would confuse is percent-encoded

Content is maps by field name, as `plain` shows them; knobs are in it as a manifest has them, those
at their default left out. All fields are always there, and no other: a field that is not known, or
a knob, in a record of this schema means damage or a program that somebody changed without raising
the schema, and is refused like damage. Whatever changes the content raises `SCHEMA`, keeps reading
the schemas before, and adds its own store to the upgrade test.

All that is wrong with bytes is raised as StoreError, whose text is about the record alone: the
caller knows the key and the file. A schema above `SCHEMA` is NewerSchemaError.
"""

import math
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgpack

from seldon_core.errors import StoreError
from seldon_core.resources.knobs import PREFIX, Knobs, parse_knobs, show_knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.records import StoredModel, StoredVersion

T = TypeVar("T")

SCHEMA = 1
HEAD_KEY = b"store"
MODEL_PREFIX = b"model/"

_CRC_BYTES = 4
_LONGEST_KEY = 511  # bytes: what LMDB takes


class NewerSchemaError(StoreError):
    """A record was written by a newer version of this program."""


def model_key(model: StoredModel) -> bytes:
    """Return where a model is kept. Raises StoreError if its name is too long for a key."""
    parts = (model.versions[-1].spec.namespace, model.name)
    path = "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)
    key = MODEL_PREFIX + path.encode()
    if len(key) > _LONGEST_KEY:
        raise StoreError(
            f"model {model.name[:40]!r}… cannot be kept: its name and namespace take "
            f"{len(key)} bytes, {_LONGEST_KEY} is the most"
        )
    return key


def encode_head(now: float) -> bytes:
    """Return the record of the time of the last write."""
    return _seal(HEAD_KEY, {"now": now})


def decode_head(data: bytes) -> tuple[int, float]:
    """Return the schema that the last write was made in, and its time."""
    schema, content = _unseal(HEAD_KEY, data)
    return schema, _checked(content, partial(_fields, readers=_HEAD))["now"]


def encode_model(key: bytes, order: int, model: StoredModel) -> bytes:
    """Return a model's record. Raises StoreError if it could not be read back."""
    try:
        _check(model)
        return _seal(key, {"order": order, "model": plain(model)})
    except (ValueError, OverflowError) as error:
        raise StoreError(f"model {model.name!r} cannot be kept: {error}") from error


def decode_model(key: bytes, data: bytes) -> tuple[int, StoredModel]:
    """Return a model and its place in the order of declarations."""
    _, content = _unseal(key, data)
    fields = _checked(content, partial(_fields, readers=_MODEL_RECORD))
    return fields["order"], fields["model"]


def plain(model: StoredModel) -> dict[str, Any]:
    """Return a model as maps, lists, texts and numbers, which JSON and msgpack both know."""
    return {
        "name": model.name,
        "versions": [_plain_version(version) for version in model.versions],
        "fallback": model.fallback,
        "deleted_at": model.deleted_at,
    }


def read_plain(value: object) -> StoredModel:
    """Return the model that `plain` was given. Raises StoreError if it cannot be one."""
    return _checked(value, _model)


def read_now(value: object) -> float:
    """Return a time in seconds. Raises StoreError if it cannot be one."""
    return _checked(value, _seconds)


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


def _plain_version(version: StoredVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "spec": _plain_spec(version.spec),
        "server": version.server,
        "declared_at": version.declared_at,
        "terminated_at": version.terminated_at,
    }


def _plain_spec(spec: ModelSpec) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(spec, name) for name in _SPEC}
    fields["requirements"] = list(spec.requirements)
    fields["knobs"] = show_knobs(spec.knobs)
    if spec.meta is not None:
        fields["meta"] = {name: getattr(spec.meta, name) for name in _META}
    return fields


def _check(model: StoredModel) -> None:
    """Raise ValueError if something else reads the parts of `model` than what they say."""
    numbers = [version.number for version in model.versions]
    if not numbers or numbers[0] < 1 or sorted(set(numbers)) != numbers:
        raise ValueError(f"wanted versions of rising numbers from 1, found {numbers}")
    if model.fallback is not None and model.fallback not in numbers:
        raise ValueError(f"its fallback is version {model.fallback}, it has {numbers}")
    for version in model.versions:
        if version.spec.name != model.name:
            raise ValueError(f"version {version.number} of {model.name!r} is of another model")


# What reads a value returns it or raises ValueError: what was wanted, what was found.


def _checked(value: object, read: Callable[[object], T]) -> T:
    try:
        return read(value)
    except ValueError as error:
        raise StoreError(str(error)) from error


def _fields(value: object, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != readers.keys():
        found = sorted(map(str, value)) if isinstance(value, dict) else repr(value)
        raise ValueError(f"wanted the fields {sorted(readers)}, found {found}")
    fields = {}
    for name, read in readers.items():
        try:
            fields[name] = read(value[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return fields


def _exactly(kind: type[T]) -> Callable[[object], T]:
    def read(value: object) -> T:
        if type(value) is not kind:  # a bool is an int, which is not what is meant
            raise ValueError(f"wanted {kind.__name__}, found {value!r}")
        return value

    return read


_text = _exactly(str)
_whole = _exactly(int)
_bool = _exactly(bool)


def _seconds(value: object) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        raise ValueError("wanted a time in seconds, found a number that is none") from None
    raise ValueError(f"wanted a time in seconds, found {value!r}")


def _or_none(read: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else read(value)


def _list(read: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(f"wanted a list, found {value!r}")
        return tuple(map(read, value))

    return read_all


def _texts_by_name(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"wanted a map of texts, found {value!r}")
    return {_text(name): _text(text) for name, text in value.items()}


def _knobs(value: object) -> Knobs:
    texts = _texts_by_name(value)
    for name in texts:
        if not name.startswith(PREFIX):  # which `parse_knobs` would pass over
            raise ValueError(f"there is no setting {name!r}")
    return parse_knobs(texts)


_HEAD = {"now": _seconds}
_META = {"namespace": _text, "generation": _whole}
_SPEC = {
    "name": _text,
    "storage_uri": _text,
    "requirements": _list(_text),
    "memory_bytes": _whole,
    "artifact_version": _or_none(_whole),
    "server": _or_none(_text),
    "storage_secret": _text,
    "parameters": _texts_by_name,
    "knobs": _knobs,
    "replicas": _whole,
    "min_replicas": _whole,
    "max_replicas": _whole,
    "log_payloads": _bool,
    "clean_topics_on_delete": _bool,
    "meta": _or_none(lambda value: KubernetesMeta(**_fields(value, _META))),
}
_VERSION = {
    "number": _whole,
    "spec": lambda value: ModelSpec(**_fields(value, _SPEC)),
    "server": _text,
    "declared_at": _seconds,
    "terminated_at": _or_none(_seconds),
}
_MODEL = {
    "name": _text,
    "versions": _list(lambda value: StoredVersion(**_fields(value, _VERSION))),
    "fallback": _or_none(_whole),
    "deleted_at": _or_none(_seconds),
}


def _model(value: object) -> StoredModel:
    model = StoredModel(**_fields(value, _MODEL))
    _check(model)
    return model


_MODEL_RECORD = {"order": _whole, "model": _model}
