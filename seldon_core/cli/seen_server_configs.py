"""Server configs as the scheduler has them: the cells of a table, a manifest."""

from dataclasses import dataclass

from seldon_core.cli.seen import NOTHING, Statusless
from seldon_core.config.sizes import describe_bytes
from seldon_core.proto import servers_pb2
from seldon_core.protocol.server_message import server_config_of
from seldon_core.resources.kubernetes import (
    KINDS,
    SERVER_CONFIG,
    Kind,
    server_config_manifest_of,
)


@dataclass(frozen=True, slots=True)
class SeenServerConfig(Statusless):
    """A server config as it was declared; it has no status."""

    config: servers_pb2.ServerConfig

    @property
    def kind(self) -> Kind:
        """ServerConfig."""
        return KINDS[SERVER_CONFIG]

    @property
    def name(self) -> str:
        """The config's name."""
        return self.config.name

    @property
    def namespace(self) -> str:
        """The namespace that it was declared in, "" if none was said."""
        return self.config.kubernetesMeta.namespace

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table."""
        process = self.config.process
        memory = describe_bytes(process.memoryBytes) if process.memoryBytes else NOTHING
        return (self.name, memory, ",".join(process.capabilities) or NOTHING)

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        process = self.config.process
        has_percentage = process.HasField("overCommitPercentage")
        percentage = f"{process.overCommitPercentage} %" if has_percentage else NOTHING
        return (*self.cells(now), percentage, process.python or NOTHING)

    def document(self) -> dict[str, object]:
        """Return the manifest that declares it."""
        return server_config_manifest_of(server_config_of(self.config))
