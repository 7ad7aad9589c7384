"""What requests need to know of a model that is assigned here."""

from seldon_core.agent.batching import DEFAULT_MAX_ROWS, DEFAULT_MAX_WAITING, Batcher
from seldon_core.agent.checking import RequestCheck
from seldon_core.agent.execution import ModelRunner
from seldon_core.agent.isolation import Isolated
from seldon_core.agent.loading import Loaded
from seldon_core.agent.patience import PatientBatcher
from seldon_core.agent.timeouts import CallTimeout
from seldon_core.observability.metrics import ModelSeries
from seldon_core.protocol.inference import Parameter
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelVersion


class Served:
    """A model that was loaded at least once and is still assigned here, in memory or evicted."""

    __slots__ = ("answered", "artifact", "check", "runner", "signature", "timeout", "version")

    def __init__(
        self,
        version: ModelVersion,
        loaded: Loaded | Isolated,
        runner: ModelRunner,
        timeout: CallTimeout | None = None,
    ) -> None:
        self.version = version
        self.runner = runner
        self.timeout = timeout
        self.answered: dict[str, ModelSeries] = {}  # successful calls, by method type
        self.describe(loaded)

    def describe(self, loaded: Loaded | Isolated) -> None:
        """Take requests as the model loaded now does: its file may have changed meanwhile."""
        self.artifact = loaded.artifact
        self.signature = loaded.model.signature
        self.check = RequestCheck(self.version.internal_name, self.signature)


def max_rows(loaded: Loaded | Isolated) -> int:
    """`max_batch_size` of model-settings.json caps the rows of a batch if it is given at all."""
    limit: Parameter | None = loaded.artifact.settings.get("max_batch_size")
    if isinstance(limit, int) and limit >= 1:
        return min(limit, DEFAULT_MAX_ROWS)
    return DEFAULT_MAX_ROWS


def batcher_for(loaded: Loaded | Isolated, knobs: Knobs) -> Batcher:
    """Return what gathers the requests to a model, within its own limits."""
    most_waiting = DEFAULT_MAX_WAITING if knobs.max_queue is None else knobs.max_queue
    limits = max_rows(loaded), most_waiting, knobs.max_concurrency
    if knobs.max_batch_delay_ms:
        return PatientBatcher(*limits, knobs.max_batch_delay_ms / 1000)
    return Batcher(*limits)
