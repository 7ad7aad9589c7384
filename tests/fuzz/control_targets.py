"""Targets: manifests, settings, the store, worker processes' frames, the client's files."""

import json
import os
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import yaml
from google.protobuf.message import DecodeError

from seldon_core.agent import frames
from seldon_core.agent.repository import open_artifact
from seldon_core.cli.configs import active_config, read_config, read_index
from seldon_core.cli.json_text import indented
from seldon_core.cli.session import read_session
from seldon_core.config.load import load_settings
from seldon_core.config.settings import known_settings
from seldon_core.errors import (
    ConfigError,
    InvalidRequestError,
    InvalidResourceError,
    StoreError,
)
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of, spec_of
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.kubernetes import manifest_of
from seldon_core.resources.load_config import configured
from seldon_core.resources.manifests import parse_manifests, parse_references
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler import store_records
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.store_contents import read_records
from seldon_core.scheduler.store_export import Export, read_export, write_export
from tests.fuzz.inputs import protobuf_messages
from tests.fuzz.oip_targets import JSON_TOKENS, UNUSUAL
from tests.fuzz.target import Choices, Target, outcome

RESOURCE = (InvalidResourceError,)
_SPEC = ModelSpec(
    "iris",
    "gs://a/b",
    requirements=("sklearn",),
    memory_bytes=2**30,
    parameters={"a": "b"},
    knobs=Knobs(keep_in_memory=True, timeout_ms=5),
    server="mlserver",
    artifact_version=3,
    meta=KubernetesMeta("seldon", 2),
)


def check_manifests(data: bytes) -> None:
    """A text is manifests, or told to be none; a model that is read can be written and read."""
    text = data.decode("utf-8", "surrogateescape")
    specs, _ = outcome(RESOURCE, parse_manifests, text, "file")
    outcome(RESOURCE, parse_references, text, "file")
    for spec in specs or ():
        written = yaml.safe_dump(json.loads(json.dumps(manifest_of(spec))))
        (again,) = parse_manifests(written, "file")
        assert manifest_of(again) == manifest_of(spec)


def _manifest(**fields: Any) -> str:
    document = {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Model",
        "metadata": {"name": "iris", "namespace": "seldon-mesh"},
        "spec": {"storageUri": "gs://a/b", "requirements": ["sklearn"], "memory": "100Ki"},
    }
    document["spec"].update(fields)  # type: ignore[attr-defined]  # it is a dict
    return yaml.safe_dump(document)


MANIFEST_SEEDS = tuple(
    text.encode()
    for text in (
        _manifest(),
        _manifest(replicas=2, minReplicas=1, maxReplicas=3, logger={"percent": 10}),
        _manifest(parameters=[{"name": "a", "value": "b"}], server="mlserver"),
        yaml.safe_dump(json.loads(json.dumps(manifest_of(_SPEC)))),
        json.dumps({"kind": "List", "items": [yaml.safe_load(_manifest())]}),
        _manifest() + "---\n" + _manifest(),
        "a: &a [1, 2]\nb: &b [*a, *a]\nc: [*b, *b]\n<<: {kind: Model}\n",
        "kind: Model\nmetadata: {name: !!python/name:os.system x, d: 2001-02-30}\n",
    )
)
MANIFEST_TOKENS = tuple(
    token.encode()
    for token in (
        *("apiVersion: ", "kind: ", "Model", "Pipeline", "metadata:", "name: ", "spec:", "List"),
        *("items:", "storageUri: ", "requirements:", "memory: ", "replicas: ", "&a ", "*a", "<<: "),
        *("---\n", "- ", "? ", "!!binary ", "!!timestamp ", "!!float ", "1e400", ".inf", "0x", "~"),
        *("{", "}", "[", "]", "|\n", '"', "'", "\t", "9" * 30, "1_000", "190:20:30", "100Ki"),
        *("\ufeff", "%YAML 1.1\n", "2001-12-14t21:59:43.10-05:00", "!!omap", "!!set {", "\x85"),
    )
)


def check_message(data: bytes) -> None:
    """A declaration is read or refused with a path; what is read can be said and read again."""
    try:
        message = pb.Model.FromString(data)
    except DecodeError:
        return
    spec, _ = outcome(RESOURCE, spec_of, message)
    if spec is not None:
        assert spec_of(message_of(spec)) == spec


MESSAGE_SEEDS = (
    message_of(_SPEC).SerializeToString(),
    message_of(
        ModelSpec("a", "/b", min_replicas=1, replicas=2, max_replicas=3)
    ).SerializeToString(),
    pb.Model(
        meta=pb.MetaData(name="x"),
        modelSpec=pb.ModelSpec(uri="u", explainer=pb.ExplainerSpec(modelRef="m")),
    ).SerializeToString(),
)


def check_load_config(data: bytes) -> None:
    """A client's model configuration is taken or refused."""
    text = data.decode("utf-8", "surrogateescape")
    spec, _ = outcome((InvalidRequestError,), configured, _SPEC, {"config": text})
    assert spec is None or isinstance(spec.knobs, Knobs)


LOAD_SEEDS = (
    b'{"name": "iris", "dynamic_batching": {"max_queue_delay_microseconds": 1000}}',
    b'{"dynamicBatching": {"defaultQueuePolicy": {"maxQueueSize": 10}}}',
    b'{"parameters": {"seldon-core/timeout-ms": {"string_value": "10"}}}',
    b'{"dynamic_batching": {"max_queue_delay_microseconds": "%s"}}' % (b"9" * 5000),
    *UNUSUAL,
)


def check_worker_frames(data: bytes) -> None:
    """A stream is frames, the same in any pieces, or raises ValueError."""
    choices = Choices(data)
    pieces = choices.pieces(3)
    read, error = outcome((ValueError,), _frames, pieces)
    whole, whole_error = outcome((ValueError,), _frames, [b"".join(pieces)])
    assert (error is None) == (whole_error is None)
    if read is None:
        return
    assert len(read) == len(whole)
    for frame, other in zip(read, whole, strict=True):
        assert repr(frame[:3]) == repr(other[:3])
        for array, same in zip(frame.arrays, other.arrays, strict=True):
            assert (array.dtype, array.shape) == (same.dtype, same.shape)


def _frames(pieces: list[bytes]) -> list[frames.Frame]:
    reader, found = frames.FrameReader(), []
    for piece in pieces:
        rest = piece
        while rest:
            room = reader.room()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            rest = rest[count:]
            found += reader.received(count)
    return found


def _frame_bytes(*arguments: Any) -> bytes:
    return b"".join(bytes(part) for part in frames.encode(*arguments))


_CUTS = b"\x40\x80\xc0"
FRAME_SEEDS = tuple(
    _CUTS + each
    for each in (
        _frame_bytes("hello", 0, [1]),
        _frame_bytes("infer", 1, ["m", 1], [np.arange(4, dtype="<f4").reshape(2, 2)])
        + _frame_bytes("infer", 2, ["m", 1], [np.array([b"a", b""], object)]),
        _frame_bytes("error", 3, ["model", "it broke", ""]),
        _frame_bytes("error", 3, ["resource", "is wrong", "spec.a"]),
        _frame_bytes("load", 4, ["m", "sklearn", "/a", "/a/b", {}, "s"]),
        _frame_bytes(
            "load",
            4,
            [
                "onnx",
                [{"name": "x", "datatype": "FP32", "shape": [-1], "parameters": None}],
                [],
                ["y"],
                True,
                False,
            ],
        ),
    )
)


def check_store(data: bytes) -> None:
    """A record whose checksum is right is read or refused; what is read can be kept and read."""
    choices = Choices(data)
    key = choices.pick((b"store", b"model//iris", b"model/seldon/iris", b"other"))
    is_sealed, body = choices.number() % 8 > 0, choices.rest()
    if is_sealed:
        body = zlib.crc32(key + body).to_bytes(4, "big") + body
    contents = read_records([(key, body)])
    assert bool(contents.bad) or key == b"store" or len(contents.models) == 1
    for model in contents.models:
        again = store_records.encode_record(key, 3, model)
        assert store_records.decode_record(key, again) == (3, model)
        assert store_records.record_key(model) == key
    outcome((StoreError,), store_records.decode_record, key, body)
    outcome((StoreError,), store_records.decode_head, body)


def _stored(key: int, content: object) -> bytes:
    return bytes([key, 1]) + msgpack.packb([1, content], unicode_errors="surrogatepass")


def _model(namespace: bool) -> StoredModel:
    spec = _SPEC if namespace else ModelSpec("iris", "/m")
    return StoredModel("iris", (StoredVersion(1, spec, "mlserver", 5.0, None),), 1, None)


STORE_SEEDS = (
    _stored(0, {"now": 5.5}),
    _stored(1, {"order": 0, "model": store_records.plain(_model(namespace=False))}),
    _stored(2, {"order": 7, "model": store_records.plain(_model(namespace=True))}),
    _stored(3, {}),
)


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def _in_home(data: bytes, names: tuple[str, ...], call: Callable[[], Any]) -> Any:
    """Call with `data` in each of the files `names` of a home of its own."""
    home = Path(_folder().name)
    for name in names:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(home)
    try:
        return outcome((ConfigError,), call)
    finally:
        if before is not None:
            os.environ["HOME"] = before


_NAMES = tuple(known_settings())


def check_config(data: bytes) -> None:
    """A file, variables and flags are settings, or told what is wrong with them."""
    choices = Choices(data)
    environ, flags = {}, {}
    for _ in range(choices.number() % 4):
        name, is_flag = choices.pick(_NAMES), choices.number() % 2
        text = choices.take(choices.number(2) % 1000).decode("utf-8", "surrogateescape")
        if is_flag:
            flags[name] = text
        else:
            setting = known_settings()[name]
            environ[f"SELDON_{setting.group}__{setting.field}".upper()] = text
    file = Path(_folder().name) / "settings.yaml"
    _in_home(choices.rest(), ("settings.yaml",), lambda: load_settings(file, environ, flags))


def _config(file: str, **given: str) -> bytes:
    """Return settings in a file, and others by flags and variables in turn."""
    parts = [bytes([len(given)])]
    for place, (name, text) in enumerate(given.items()):
        which = _NAMES.index(name.replace("__", "."))
        parts += [bytes([which, place % 2]), len(text).to_bytes(2, "little"), text.encode()]
    return b"".join(parts) + file.encode()


CONFIG_SEEDS = (
    _config("listener:\n  port: 9000\nagent:\n  memory: 25%\n"),
    _config("{}", listener__port="5000", agent__memory="5Gi", log__level="info"),
    *(_config("", **{name.replace(".", "__"): "a=b,c=d"}) for name in _NAMES[::9]),
)


def check_client_files(data: bytes) -> None:
    """The client's files are read or told to be wrong; JSON is laid out as the same JSON."""
    choices = Choices(data)
    own = ".config/seldon/cli/"
    call = choices.pick((read_index, active_config, read_session, _read_own_config))
    body = choices.rest()
    _in_home(body, (f"{own}configs.json", f"{own}session", "own.json"), call)
    text = body.decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    assert repr(json.loads(indented(text, " "))) == repr(document)


def _read_own_config() -> object:
    return read_config(Path(os.environ["HOME"]) / "own.json")


def check_model_settings(data: bytes) -> None:
    """A model's settings lead to its files, or are told to be wrong."""
    folder = Path(_folder().name) / "model"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").touch()
    (folder / "model-settings.json").write_bytes(data)
    spec = ModelSpec("m", str(folder))
    artifact, _ = outcome(RESOURCE, open_artifact, "m_1", spec, [folder])
    if artifact is not None:
        (frame,) = _frames([_frame_bytes("load", 1, frames.artifact_fields(artifact))])
        assert repr(frames.artifact_from(frame.fields)) == repr(artifact)


SETTINGS_SEEDS = (
    b'{"name": "iris", "platform": "onnxruntime_onnx", "parameters": {"uri": "model.onnx"}}',
    b'{"implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"version": "1"}}',
    b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4], "parameters": {"a": 1}}]}',
    b'{"outputs": [], "max_batch_size": 4, "parameters": {"extra": {"a": [null]}}}',
    *UNUSUAL,
)


def check_store_export(data: bytes) -> None:
    """An export is read or refused with the number of a line; what is read is written again."""
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    export, _ = outcome((StoreError,), read_export, lines)
    if export is not None:
        assert read_export(list(write_export(export))) == export


EXPORT_SEEDS = (
    "\n".join(write_export(Export(5.5, (_model(namespace=True),)))).encode(),
    "\n".join(write_export(Export(0.0, ()))).encode(),
    *UNUSUAL,
)

CLIENT_SEEDS = (
    b'\0{"configs": {"mine": "/path/to/mine.json"}, "active": "mine"}',
    b'\1{"configs": {"a": "own.json"}, "active": "a"}',
    b"\2:iris_1:,:a_2:\n",
    *(b"\3" + each for each in UNUSUAL),
    b'\3{"dataplane": {"inferHost": "a:1", "tls": true}, "controlplane": {"schedulerHost": "b"}}',
)

TARGETS = (
    Target("manifests", check_manifests, MANIFEST_SEEDS, MANIFEST_TOKENS, None, 2),
    Target(
        "model_message",
        check_message,
        MESSAGE_SEEDS,
        (b"seldon.", b"iris", b"\xff\xff\xff\xff\x0f", b"\x08\x01"),
        protobuf_messages(12),
    ),
    Target("load_config", check_load_config, LOAD_SEEDS, (*JSON_TOKENS, b"string_value")),
    Target(
        "worker_frames",
        check_worker_frames,
        FRAME_SEEDS,
        (
            b"\x94",
            b"\xc0",
            b"\x93",
            b"\xa3<f4",
            b"\xa1O",
            b"\xa5error",
            b"\0" * 8,
            b"\x90",
            b"\xcf",
        ),
    ),
    Target(
        "store",
        check_store,
        STORE_SEEDS,
        (
            b"\xc0",
            b"\xc2",
            b"\x80",
            b"\x90",
            b"\xcb\x7f\xf0\0\0\0\0\0\0",
            b"\xcf",
            b"\xa0",
            b"\x81",
        ),
    ),
    Target(
        "config",
        check_config,
        CONFIG_SEEDS,
        (*MANIFEST_TOKENS, b"listener", b"9" * 400, b"%", b","),
    ),
    Target("model_settings", check_model_settings, SETTINGS_SEEDS, JSON_TOKENS),
    Target("store_export", check_store_export, EXPORT_SEEDS, (*JSON_TOKENS, b"\n")),
    Target("client_files", check_client_files, CLIENT_SEEDS, JSON_TOKENS),
)
