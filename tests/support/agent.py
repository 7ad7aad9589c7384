"""An agent without runtimes: models that compute in numpy, loads and workers that obey the test."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from seldon_core.agent.loading import Loaded
from seldon_core.agent.runtimes.base import Artifact, Signature
from seldon_core.agent.service import Agent, open_agent
from seldon_core.agent.traces import Traces
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.threads import open_threads
from seldon_core.errors import ModelRuntimeError
from seldon_core.observability.metrics import Metrics
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import (
    InferRequest,
    Payload,
    RequestedOutput,
    Tensor,
    TensorSpec,
)
from seldon_core.resources.knobs import NO_KNOBS, Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.transport.control import ReplicaId
from seldon_core.transport.handler import NO_DEADLINE, InferCall

DOUBLE = Signature(
    platform="fake",
    inputs=(TensorSpec("x", "FP32", (-1, 2)),),
    outputs=(
        TensorSpec("double", "FP32", (-1, 2)),
        TensorSpec("sum", "FP32", (-1,), {"content_type": "np"}),
    ),
    default_outputs=("double",),
    batchable=True,
)
"""Any number of rows of two numbers; `double` is 2x, `sum` the sum of each row."""


class FakeModel:
    """Doubles and sums. A row that holds 13 raises. `calls` lists the rows of each call.

    `factor` tells models apart. `gate`, if given, holds each call that runs on a thread.
    """

    def __init__(self, signature: Signature = DOUBLE, factor: float = 2.0) -> None:
        self.signature = signature
        self.factor = factor
        self.calls: list[int] = []
        self.threads: list[str] = []
        self.gate: threading.Event | None = None
        self.slow_s = 0.0
        self.fault: Exception | None = None

    def infer(self, inputs, outputs):
        self.calls.append(len(inputs[0]) if inputs[0].shape else 1)
        self.threads.append(threading.current_thread().name)
        if self.gate is not None and threading.current_thread() is not threading.main_thread():
            assert self.gate.wait(5)
        until = perf_counter() + self.slow_s
        while perf_counter() < until:
            pass
        if self.fault is not None:
            raise self.fault
        total = sum(inputs)
        if (total == 13).any():
            raise ModelRuntimeError("13 brings bad luck")
        results = {"double": total * np.float32(self.factor), "sum": total.sum(axis=-1)}
        return [results[name] for name in outputs]


@dataclass
class FakeRuntime:
    """Where calls go by cost: `inline_limit_s` 1 keeps all on the loop, -1 sends all away."""

    name: str = "fake"
    releases_gil: bool = True
    inline_limit_s: float = 1.0

    def load(self, artifact, known=None):
        raise NotImplementedError


class FakeWorkerModel:
    """A model in a "worker": the same one, run here."""

    def __init__(self, model):
        self.model = model
        self.calls = 0
        self.is_unloaded = False
        self.is_lost = False
        self.memory_bytes = 70
        self.signature = model.signature
        self.seconds = 1.0

    async def infer(self, inputs, outputs):
        self.calls += 1
        await asyncio.sleep(0)
        return self.model.infer(inputs, outputs), self.seconds

    async def unload(self):
        self.is_unloaded = True


class FakeWorkers:
    """Loads copies; fails with `fault` if given, waits for `gate`."""

    def __init__(self):
        self.models: list[FakeWorkerModel] = []
        self.fault: str | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.loads = 0

    async def load(self, artifact):
        self.loads += 1
        await self.gate.wait()
        if self.fault:
            raise ModelRuntimeError(self.fault)
        self.models.append(FakeWorkerModel(FakeModel()))
        return self.models[-1]


@dataclass
class World:
    """What an agent under test is surrounded by. `loads` counts loads by internal name."""

    runtime: FakeRuntime = field(default_factory=FakeRuntime)
    models: dict[str, FakeModel] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    grown_bytes: int = 1
    load_fault: Exception | None = None
    load_gate: threading.Event | None = None
    loads: list[str] = field(default_factory=list)
    known: list[Signature | None] = field(default_factory=list)
    reports: list[tuple[str, int, str, str]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    workers: FakeWorkers = field(default_factory=FakeWorkers)
    traces: Traces = field(default_factory=Traces)
    clock: SystemClock = field(default_factory=SystemClock)

    def load(self, version: ModelVersion, last: Artifact | None, known: Signature | None):
        name = version.internal_name
        self.known.append(known if last else None)
        self.loads.append(name)
        if self.load_gate is not None:
            assert self.load_gate.wait(5)
        if self.load_fault is not None:
            raise self.load_fault
        artifact = Artifact(name, "fake", "/none", "/none/model", dict(self.settings))
        if version.spec.knobs.isolation == "process":
            return artifact
        model = self.models.setdefault(name, FakeModel())
        return Loaded(artifact, self.runtime, model, self.grown_bytes)

    def report(self, report):
        self.reports.append((report.model, report.version, report.event.value, report.reason))

    def has_reported(self, name):
        return any(report[0] == name for report in self.reports)

    @property
    def counts(self):
        return self.metrics.replica("fake", "0")


def version_of(
    name: str, number: int = 1, memory_bytes: int = 1, knobs: Knobs = NO_KNOBS
) -> ModelVersion:
    spec = ModelSpec(name, "file:///none", memory_bytes=memory_bytes, knobs=knobs)
    return ModelVersion(spec, number)


@asynccontextmanager
async def agent_of(
    world: World,
    *names: str,
    capacity: int = 1000,
    over_commit: int = 100,
    memory_bytes: int = 1,
    knobs: Knobs = NO_KNOBS,
) -> AsyncIterator[Agent]:
    """An agent that has loaded `names`, all with these knobs."""
    async with (
        open_threads("load", 1) as load_threads,
        open_agent(
            ReplicaId("fake", 0),
            capacity,
            over_commit,
            reports=world,
            metrics=world.metrics,
            trusted=(),
            workers=world.workers,
            load_threads=load_threads,
            clock=world.clock,
            traces=world.traces,
            load=world.load,
        ) as agent,
    ):
        for name in names:
            agent.load_model(version_of(name, memory_bytes=memory_bytes, knobs=knobs))
            await until(functools.partial(world.has_reported, name))
        yield agent


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until `condition` holds; 5 s are a failure."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def warm(agent, *names: str) -> None:
    """Make the cost of each model's small calls known."""
    for name in names:
        for _ in range(3):
            await agent.handler.infer(call_to(f"{name}_1", [[0, 0]]))


class FakeCodec:
    """A body that is the request already."""

    def decode_request(self, body, json_length):
        return body

    def encode_response(self, response, request):
        raise NotImplementedError


def call_of(model: str, request: InferRequest, deadline: float = NO_DEADLINE) -> InferCall:
    payload = Payload(FakeCodec(), request)  # type: ignore[arg-type]  # FakeCodec takes it so
    return InferCall(
        Verb.INFER, model, "", {}, payload, "rest", "r", deadline, internal_model=model
    )


def call_to(
    model: str,
    rows,
    *,
    name: str = "x",
    datatype: str = "FP32",
    dtype=np.float32,
    outputs=None,
    deadline: float = NO_DEADLINE,
    id: str = "",  # noqa: A002 - the protocol's word
) -> InferCall:
    """A call with one input of these rows."""
    tensor = Tensor(name, datatype, np.array(rows, dtype))
    wanted = None if outputs is None else [RequestedOutput(output) for output in outputs]
    return call_of(model, InferRequest([tensor], wanted, id), deadline)


def values(reply, output: int = 0):
    return reply.response.outputs[output].data.tolist()
