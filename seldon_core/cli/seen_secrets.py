"""Secrets and the ConfigMap `seldon-agent` as the scheduler tells of them: without their values."""

from dataclasses import dataclass

from seldon_core.cli.seen import NOTHING, Statusless
from seldon_core.config.sizes import describe_bytes
from seldon_core.proto import scheduler_pb2, secrets_pb2
from seldon_core.resources.kubernetes import CONFIG_MAP, KINDS, SECRET, Kind
from seldon_core.resources.secret import AGENT_CONFIG, MASK


@dataclass(frozen=True, slots=True)
class SeenSecret(Statusless):
    """A Secret as it was declared; it has no status."""

    secret: secrets_pb2.SecretSummary

    @property
    def kind(self) -> Kind:
        """Secret."""
        return KINDS[SECRET]

    @property
    def name(self) -> str:
        """The Secret's name."""
        return self.secret.name

    @property
    def namespace(self) -> str:
        """The namespace that it was declared in, "" if none was said."""
        return self.secret.kubernetesMeta.namespace

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table."""
        count = str(len(self.secret.sizes))
        return (self.name, "Opaque", count, self.secret.remote or NOTHING)

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        keys = ",".join(sorted(self.secret.sizes)) or NOTHING
        models = ",".join(self.secret.models) or NOTHING
        return (*self.cells(now), keys, models, self.secret.problem)

    def document(self) -> dict[str, object]:
        """Return its manifest with masks in the place of values."""
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.name,
            "metadata": _metadata(self.name, self.secret.kubernetesMeta),
            "type": "Opaque",
            "data": dict.fromkeys(sorted(self.secret.sizes), MASK),
        }

    def value_rows(self) -> list[tuple[str, str]]:
        """Return each key and how large its value is."""
        return [(key, describe_bytes(size)) for key, size in sorted(self.secret.sizes.items())]


@dataclass(frozen=True, slots=True)
class SeenAgentConfig(Statusless):
    """The ConfigMap as it was declared; it has no status."""

    config: secrets_pb2.AgentConfigSummary

    @property
    def kind(self) -> Kind:
        """ConfigMap."""
        return KINDS[CONFIG_MAP]

    @property
    def name(self) -> str:
        """`seldon-agent`."""
        return AGENT_CONFIG

    @property
    def namespace(self) -> str:
        """The namespace that it was declared in, "" if none was said."""
        return self.config.kubernetesMeta.namespace

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table."""
        names = [each.remote for each in self.config.remotes if each.remote]
        return (self.name, ",".join(names) or NOTHING, str(self._problems()))

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        return (*self.cells(now), ",".join(self._secret_names()) or NOTHING)

    def document(self) -> dict[str, object]:
        """Return its manifest with masks in the place of remotes that it defines."""
        import json

        own = [each for each in self.config.remotes if not each.secretName]
        lists = {"config_secrets": self._secret_names(), "config": [MASK] * len(own)}
        rclone = {name: values for name, values in lists.items() if values}
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.name,
            "metadata": _metadata(self.name, self.config.kubernetesMeta),
            "data": {"agent.json": json.dumps({"rclone": rclone})},
        }

    def remote_rows(self) -> list[tuple[str, str, str]]:
        """Return each remote, the Secret that defines it, and why it cannot be used."""
        return [
            (each.remote or NOTHING, each.secretName or NOTHING, each.problem)
            for each in self.config.remotes
        ]

    def _secret_names(self) -> list[str]:
        return [each.secretName for each in self.config.remotes if each.secretName]

    def _problems(self) -> int:
        return sum(bool(each.problem) for each in self.config.remotes)


def _metadata(name: str, meta: scheduler_pb2.KubernetesMeta) -> dict[str, object]:
    metadata: dict[str, object] = {"name": name}
    if meta.namespace:
        metadata["namespace"] = meta.namespace
    if meta.generation:
        metadata["generation"] = meta.generation
    return metadata
