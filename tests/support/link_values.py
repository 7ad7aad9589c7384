"""Values that scheduler, agents and routers tell each other, for Hypothesis."""

from hypothesis import strategies as st

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec, ModelVersion
from seldon_core.transport.agent_messages import Hello
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    RouteCandidate,
    RouteUpdate,
)

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
NUMBERS = st.integers(0, 2**32 - 1)
VERSIONS = st.integers(1, 2**32 - 1)
BYTES = st.integers(0, 2**63 - 1)
PORTS = st.integers(0, 65535)
HOSTS = st.sampled_from(["10.0.0.7", "fe80::1", "agent-0.local"])

REPLICAS = st.builds(ReplicaId, NAMES, NUMBERS)
ADDRESSES = st.builds(ReplicaAddress, HOSTS, PORTS, PORTS, st.booleans())
SPECS = st.builds(
    ModelSpec,
    NAMES,
    st.sampled_from(["/models/iris", "gs://bucket/iris"]),
    requirements=st.lists(NAMES, max_size=3).map(tuple),
    memory_bytes=BYTES,
    artifact_version=st.none() | NUMBERS,
    parameters=st.dictionaries(NAMES, st.text(max_size=5), max_size=3),
    knobs=st.builds(Knobs, keep_in_memory=st.booleans()),
    meta=st.none() | st.builds(KubernetesMeta, NAMES, st.integers(0, 2**31 - 1)),
)
MODEL_VERSIONS = st.builds(ModelVersion, SPECS, VERSIONS)
HELD = st.lists(
    st.builds(HeldModel, MODEL_VERSIONS),
    max_size=3,
    unique_by=lambda held: held.version.internal_name,
).map(tuple)
CONFIGS = st.builds(
    ReplicaConfig,
    capabilities=st.lists(NAMES, max_size=3).map(tuple),
    memory_bytes=BYTES,
    over_commit_percentage=st.integers(0, 100),
    is_shared=st.booleans(),
    address=st.builds(ReplicaAddress, HOSTS, PORTS, PORTS, st.just(True)),
    held=HELD,
    available_bytes=BYTES,
)
HELLOS = st.builds(
    Hello,
    NUMBERS,
    NUMBERS,
    st.text(max_size=5),
    st.text(max_size=5),
    st.integers(0, 65535),
)
REPORTS = st.builds(
    ModelReport,
    REPLICAS,
    NAMES,
    NUMBERS,
    st.sampled_from(ReplicaModelEvent),
    st.text(max_size=20),
    BYTES,
)
CANDIDATES = st.builds(
    RouteCandidate, NAMES, NUMBERS, NUMBERS, st.lists(REPLICAS, max_size=3).map(tuple)
)
ROUTES = st.builds(
    RouteUpdate, NAMES, st.lists(CANDIDATES, max_size=3).map(tuple), st.text(max_size=20)
)
