"""Targets: servers, experiments, pipelines, Secrets and what else is declared besides models.

As manifests, as messages of the control ports, and as records and exports of the store.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import yaml
from google.protobuf.message import DecodeError

from seldon_core.errors import StoreError
from seldon_core.proto import scheduler_pb2, secrets_pb2, servers_pb2
from seldon_core.protocol.experiment_message import experiment_message, experiment_of
from seldon_core.protocol.model_message import message_of, spec_of
from seldon_core.protocol.pipeline_message import pipeline_message, pipeline_of
from seldon_core.protocol.secret_message import (
    agent_config_message,
    agent_config_of,
    secret_message,
    secret_of,
)
from seldon_core.protocol.server_message import (
    server_config_message_of,
    server_config_of,
    server_message_of,
    server_of,
)
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.kubernetes import server_config_manifest_of, server_manifest_of
from seldon_core.resources.manifests import parse_declarations, parse_references
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.resources.remote import Remote, parse_remote, show_remote
from seldon_core.resources.secret import AGENT_CONFIG, AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler import store_records
from seldon_core.scheduler.records import (
    Kind,
    Stored,
    StoredAgentConfig,
    StoredExperiment,
    StoredPipeline,
    StoredPipelineVersion,
    StoredScaling,
    StoredSecret,
    StoredServer,
    StoredServerConfig,
)
from seldon_core.scheduler.store_contents import read_records
from seldon_core.scheduler.store_export import Export, write_export
from tests.fuzz.control_targets import MANIFEST_SEEDS, MANIFEST_TOKENS, RESOURCE, check_store_export
from tests.fuzz.inputs import protobuf_messages
from tests.fuzz.oip_targets import JSON_TOKENS
from tests.fuzz.target import Choices, Target, outcome

_META = KubernetesMeta("seldon", 2)
_SERVER = ServerSpec(
    "big",
    "mlserver",
    ("sklearn",),
    ("a",),
    2**30,
    10,
    2,
    1,
    3,
    python="/py",
    environment_variables={"A": "b"},
    labels={"zone": "a"},
    meta=_META,
)
_SERVER_CONFIG = ServerConfigSpec("gpu", ("onnx",), 2**20, device_count=1, environment_name="e")
_EXPERIMENT = ExperimentSpec(
    "e",
    (ExperimentCandidate("a", 60), ExperimentCandidate("b", 40)),
    "a",
    ExperimentMirror("c", 10),
    ResourceType.MODEL,
    sticky_sessions=True,
    meta=_META,
)
_PIPELINE = PipelineSpec(
    "p",
    (
        PipelineStep(
            "a", ("p.inputs",), JoinOp.ANY, 0, {"p.inputs.X": "Y"}, (), JoinOp.INNER, 2, 10
        ),
        PipelineStep("b", ("a.outputs",)),
    ),
    PipelineInput(("q.outputs",), (), JoinOp.OUTER, JoinOp.ANY, 7, {}),
    PipelineOutput(("b.outputs",), JoinOp.ANY, 9, {}),
    meta=_META,
)
_SECRET = SecretSpec("minio", {"s3": b"type: s3\nname: s3\nparameters: {}"}, _META)
_REMOTE = Remote("s3", "s3", {"provider": "minio"})
_AGENT_CONFIG = AgentConfigSpec(("minio",), (_REMOTE,), _META)


@dataclass(frozen=True)
class _Form:
    """How one kind is said and read; the message's type comes first."""

    message: Any
    say: Callable[[Any], Any]
    read: Callable[[Any], Any]


_FORMS = {
    ModelSpec: _Form(scheduler_pb2.Model, message_of, spec_of),
    ServerSpec: _Form(servers_pb2.Server, server_message_of, server_of),
    ServerConfigSpec: _Form(servers_pb2.ServerConfig, server_config_message_of, server_config_of),
    ExperimentSpec: _Form(scheduler_pb2.Experiment, experiment_message, experiment_of),
    PipelineSpec: _Form(scheduler_pb2.Pipeline, pipeline_message, pipeline_of),
    SecretSpec: _Form(secrets_pb2.Secret, secret_message, secret_of),
    AgentConfigSpec: _Form(secrets_pb2.AgentConfig, agent_config_message, agent_config_of),
}
_SPECS = (_SERVER, _SERVER_CONFIG, _EXPERIMENT, _PIPELINE, _SECRET, _AGENT_CONFIG)


def check_message(data: bytes) -> None:
    """A declaration is read or refused with a path; what is read can be said and read again."""
    choices = Choices(data)
    form = _FORMS[type(choices.pick(_SPECS))]
    try:
        message = form.message.FromString(choices.rest())
    except DecodeError:
        return
    spec, _ = outcome(RESOURCE, form.read, message)
    if spec is not None:
        assert form.read(form.say(spec)) == spec


def check_manifests(data: bytes) -> None:
    """A text is declarations, or told to be none; a declaration can be sent to the scheduler."""
    text = data.decode("utf-8", "surrogateescape")
    found, _ = outcome(RESOURCE, parse_declarations, text, "file")
    outcome(RESOURCE, parse_references, text, "file")
    for declaration in found or ():
        spec = declaration.spec
        assert all(isinstance(notice, str) for notice in declaration.notices)
        form = _FORMS[type(spec)]
        sent, _ = outcome(RESOURCE, lambda form, spec: form.read(form.say(spec)), form, spec)
        if sent is not None:
            assert form.read(form.say(sent)) == sent
        if isinstance(spec, ServerSpec | ServerConfigSpec):
            _check_written(spec)


def _check_written(spec: ServerSpec | ServerConfigSpec) -> None:
    """Raise AssertionError unless a server's manifest can be written and read."""
    manifest_of: Any = (
        server_manifest_of if isinstance(spec, ServerSpec) else server_config_manifest_of
    )
    written = yaml.safe_dump(json.loads(json.dumps(manifest_of(spec))))
    (again,) = parse_declarations(written, "file")
    assert manifest_of(again.spec) == manifest_of(spec)


def _manifest(kind: str, version: str = "mlops.seldon.io/v1alpha1", **parts: Any) -> str:
    names = {"ConfigMap": AGENT_CONFIG, "Pipeline": "p"}
    metadata = {"name": names.get(kind, "e"), "namespace": "seldon-mesh"}
    return yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": metadata, **parts})


_POD = {
    "nodeSelector": {"zone": "a"},
    "terminationGracePeriodSeconds": 120,
    "containers": [
        {"name": "rclone", "image": "seldonio/rclone"},
        {
            "name": "agent",
            "env": [
                {"name": "SELDON_SERVER_CAPABILITIES", "value": "mlserver, sklearn"},
                {"name": "SELDON_OVERCOMMIT_PERCENTAGE", "value": "10"},
                {"name": "MEMORY_REQUEST", "valueFrom": {"resourceFieldRef": {"resource": "m"}}},
            ],
        },
        {
            "name": "mlserver",
            "image": "me/mine:3",
            "resources": {"requests": {"memory": "1Gi"}, "limits": {"nvidia.com/gpu": "2"}},
            "env": [{"name": "A", "value": "b"}],
        },
    ],
}
_STEPS = [
    {"name": "a", "inputs": ["p"], "joinWindowMs": 5},
    {"name": "b", "inputs": ["a.outputs.X"]},
]
_MANIFESTS = tuple(
    text.encode()
    for text in (
        _manifest("Server", spec={"serverConfig": "mlserver", "replicas": 2, "podSpec": _POD}),
        _manifest("Server", spec={"serverConfig": "m", "extraCapabilities": ["a"]}),
        _manifest("ServerConfig", spec={"podSpec": _POD, "volumeClaimTemplates": [{"name": "m"}]}),
        yaml.safe_dump(json.loads(json.dumps(server_manifest_of(_SERVER)))),
        yaml.safe_dump(json.loads(json.dumps(server_config_manifest_of(_SERVER_CONFIG)))),
        _manifest(
            "Experiment",
            spec={
                "default": "a",
                "candidates": [{"name": "a", "weight": 50}, {"name": "b", "weight": 50}],
                "mirror": {"name": "c", "percent": 100},
            },
        ),
        _manifest(
            "Experiment",
            spec={"resourceType": "pipeline", "candidates": [{"name": "a", "weight": 1}]},
        ),
        _manifest(
            "Pipeline",
            spec={"steps": _STEPS, "output": {"steps": ["b"], "stepsJoin": "any"}},
        ),
        _manifest(
            "Pipeline",
            spec={
                "steps": [{"name": "a", "batch": {"size": 2}, "triggers": ["p"], "tensorMap": {}}],
                "input": {"externalInputs": ["q.outputs"], "joinType": "outer"},
                "allowCycles": True,
            },
        ),
        _manifest("Secret", "v1", type="Opaque", stringData={"s3": show_remote(_REMOTE)}),
        _manifest("Secret", "v1", data={"s3": "dHlwZTogczM="}),
        _manifest(
            "ConfigMap",
            "v1",
            data={"agent.json": json.dumps({"rclone": {"config_secrets": ["minio"]}})},
        ),
    )
)
_TOKENS = (
    *MANIFEST_TOKENS,
    *(
        b"Server",
        b"ServerConfig",
        b"Experiment",
        b"Pipeline",
        b"Secret",
        b"ConfigMap",
        b"podSpec: ",
    ),
    *(
        b"containers: ",
        b"resources: ",
        b"nvidia.com/gpu: ",
        b"candidates: ",
        b"weight: ",
        b"mirror: ",
    ),
    *(b"steps: ", b"inputs: ", b"stringData: ", b"data: ", b"env: ", b"value: ", b'"\\ud800"'),
)


def check_remote(data: bytes) -> None:
    """A text defines a remote or none; what it defines can be said and read again."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    remote, error = outcome((ValueError,), parse_remote, text)
    if remote is not None:
        assert parse_remote(show_remote(remote)) == remote
    else:
        assert type(error) is not UnicodeEncodeError


_STORED: tuple[Stored, ...] = (
    StoredServer("big", _SERVER, 2, 1, 3, True, (1, 2), _META),
    StoredServerConfig("gpu", _SERVER_CONFIG),
    StoredExperiment("e", _EXPERIMENT, 1.0, 2.0),
    StoredPipeline("p", (StoredPipelineVersion(1, "u", _PIPELINE, 1.0, None),), 4.0),
    StoredScaling("iris", "default", 3, 2, "9 calls", 12.5),
    StoredSecret("minio", _SECRET),
    StoredAgentConfig(AGENT_CONFIG, _AGENT_CONFIG),
)


def check_record(data: bytes) -> None:
    """A record is read or refused; what is read can be kept and read again."""
    choices = Choices(data)
    key, body = store_records.record_key(choices.pick(_STORED)), choices.rest()
    sealed = zlib.crc32(key + body).to_bytes(4, "big") + body
    contents = read_records([(key, sealed)])
    assert len(contents.stored) + len(contents.bad) >= 1
    for stored in contents.stored:
        assert store_records.record_key(stored) == key
        again, refused = outcome((StoreError,), store_records.encode_record, key, 3, stored)
        assert refused is None
        assert store_records.decode_record(key, again) == (3, stored)
    outcome((StoreError,), store_records.decode_record, key, body)


def _record(place: int) -> bytes:
    stored = _STORED[place]
    content = {"order": 7, stored.kind.value: store_records.plain(stored)}
    return bytes([place]) + msgpack.packb([1, content], unicode_errors="surrogatepass")


assert {stored.kind for stored in _STORED} == set(Kind) - {Kind.MODEL}

TARGETS = (
    Target("declared_manifests", check_manifests, (*_MANIFESTS, *MANIFEST_SEEDS), _TOKENS, None, 2),
    Target(
        "declared_messages",
        check_message,
        tuple(
            bytes([place]) + _FORMS[type(spec)].say(spec).SerializeToString()
            for place, spec in enumerate(_SPECS)
        ),
        (b"a.outputs", b"p.inputs", b"\xff\xff\xff\xff\x0f", b"\x08\x01", b"\x12\x00"),
        protobuf_messages(12).map(lambda message: bytes([len(message) % len(_SPECS)]) + message),
    ),
    Target(
        "remotes",
        check_remote,
        (show_remote(_REMOTE).encode(), b"name: s3\ntype: s3\nparameters:\n  provider: minio\n"),
        (*JSON_TOKENS, b"type: ", b"parameters: ", b"&a ", b"*a", b"!!binary ", b"\\ud800"),
    ),
    Target(
        "declared_records",
        check_record,
        tuple(map(_record, range(len(_STORED)))),
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
        "declared_export",
        check_store_export,
        ("\n".join(write_export(Export(5.5, _STORED))).encode(),),
        (*JSON_TOKENS, b"\n", b'"server"', b'"secret"', b'"scaling"'),
    ),
)
