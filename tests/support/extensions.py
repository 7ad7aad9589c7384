"""Services of a data port that answer as told, and one model of every extension's values."""

from seldon_core.errors import InvalidRequestError, NotFoundError
from seldon_core.protocol.inference import ServerMetadata, TensorSpec
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.repository import IndexState, ModelIndex
from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
    ResponseStatistics,
)
from seldon_core.transport.handler import DataServices

LOCAL = "127.0.0.1:51234"
ELSEWHERE = "10.0.0.7:51234"

CONFIG = ModelConfig(
    "iris",
    "onnxruntime_onnx",
    "onnxruntime",
    8,
    (TensorSpec("x", "FP32", (4,)), TensorSpec("text", "BYTES", (-1,))),
    (TensorSpec("y", "BF16", (3,)),),
    500,
    True,
    {"threads": "2"},
)

STATISTICS = ModelStatistics(
    "iris",
    "1",
    1764000000000,
    64,
    4,
    InferStatistics(
        *(Duration(16, 1), Duration(1, 2), Duration(16, 3), Duration(16, 4)),
        *(Duration(16, 5), Duration(16, 6), Duration(2, 7), Duration(3, 8)),
    ),
    {
        "0": ResponseStatistics(
            *(Duration(1, 11), Duration(2, 12), Duration(3, 13)),
            *(Duration(4, 14), Duration(5, 15), Duration(6, 16)),
        )
    },
    (BatchStatistics(16, Duration(4, 21), Duration(4, 22), Duration(4, 23)),),
    (MemoryUsage("CPU", 0, 1024),),
)

INDEX = (
    ModelIndex("iris", "1", IndexState.READY),
    ModelIndex("wine", "", IndexState.UNAVAILABLE, "no such file"),
)


class FakeHandler:
    """Knows one model, `iris`; keeps the calls it had."""

    def __init__(self):
        self.calls = []

    async def config(self, call):
        self._find(call)
        return CONFIG

    async def statistics(self, call):
        self._find(call)
        return [STATISTICS]

    def _find(self, call):
        self.calls.append(call)
        if call.model not in ("", "iris"):
            raise NotFoundError("model", call.model)


class FakeRepository:
    """Keeps what it is asked to do; raises `error` instead if there is one."""

    def __init__(self, error=None):
        self.error = error
        self.done = []

    async def index(self, *, only_ready):
        return [model for model in INDEX if not only_ready or model.state is IndexState.READY]

    async def load(self, model, parameters, actor):
        self._do("load", model, dict(parameters), actor)

    async def unload(self, model, actor):
        self._do("unload", model, actor)

    def _do(self, *what):
        if self.error is not None:
            raise self.error
        self.done.append(what)


class FakeSettings:
    """Settings in a dict; keeps who changed what for which model."""

    def __init__(self, **values):
        self.values = values
        self.defaults = dict(values)
        self.changes = []

    def current(self, model=""):
        if model == "nope":
            raise NotFoundError("model", model)
        return self.values

    def change(self, changes, actor, model=""):
        self.changes.append((dict(changes), actor, model))
        for name, value in changes.items():
            if name not in self.values:
                raise InvalidRequestError(f"there is no setting {name!r}")
            self.values[name] = self.defaults[name] if value is None else value
        return self.current(model)


class FakeServer:
    def live(self):
        return True

    def ready(self):
        return True

    def metadata(self):
        return ServerMetadata("seldon-core", "0.1.0", ())


def fake_services(error=None):
    """All services; loads and unloads raise `error` if there is one."""
    return DataServices(
        FakeHandler(),
        FakeServer(),
        FakeRepository(error),
        FakeSettings(trace_level=["OFF"], trace_rate=1000, trace_file=""),
        FakeSettings(log_file="", log_info=True, log_verbose_level=0, log_format="default"),
    )


class LongRepository(FakeRepository):
    """Has so many models that its index is written in several turns of the loop."""

    async def index(self, *, only_ready):
        return INDEX * 500
