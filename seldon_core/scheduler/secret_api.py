"""Our own API for Secrets and the ConfigMap `seldon-agent`: values go in and never come out."""

from collections.abc import Sequence

from seldon_core.proto import secrets_pb2 as pb
from seldon_core.protocol.model_message import kubernetes_message
from seldon_core.protocol.secret_message import agent_config_of, secret_of
from seldon_core.resources.secret import MOST_BYTES
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.secrets import AgentConfigStatus, SecretStatus
from seldon_core.scheduler.service import Scheduler
from seldon_core.transport.control_services import ControlService, UnaryMethod


class SecretApi:
    """Handlers of calls."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def services(self) -> Sequence[ControlService]:
        """Return what a control port is to serve."""
        return (
            ControlService(
                "seldon_core.control.Secrets",
                (
                    UnaryMethod("ApplySecret", pb.Secret, self.apply_secret),
                    UnaryMethod("DeleteSecret", pb.SecretReference, self.delete_secret),
                    UnaryMethod("ApplyAgentConfig", pb.AgentConfig, self.apply_agent_config),
                    UnaryMethod("DeleteAgentConfig", pb.SecretReference, self.delete_agent_config),
                    UnaryMethod("ListSecrets", pb.ListSecretsRequest, self.list_secrets),
                ),
                message_bytes=2 * MOST_BYTES,
            ),
        )

    async def apply_secret(self, request: pb.Secret, peer: str) -> pb.SecretChange:
        """Declare a Secret and tell what that changed."""
        change = await self._scheduler.platform.declare_secret(secret_of(request), actor=peer)
        return pb.SecretChange(change=change.name)

    async def delete_secret(self, request: pb.SecretReference, peer: str) -> pb.SecretChange:
        """Delete a Secret; what is loaded by it serves on."""
        change = await self._scheduler.platform.unload_secret(Kind.SECRET, request.name, actor=peer)
        return pb.SecretChange(change=change.name)

    async def apply_agent_config(self, request: pb.AgentConfig, peer: str) -> pb.SecretChange:
        """Declare the ConfigMap and tell what that changed."""
        change = await self._scheduler.platform.declare_secret(agent_config_of(request), actor=peer)
        return pb.SecretChange(change=change.name)

    async def delete_agent_config(self, request: pb.SecretReference, peer: str) -> pb.SecretChange:
        """Delete the ConfigMap; what is loaded by it serves on."""
        change = await self._scheduler.platform.unload_secret(
            Kind.AGENT_CONFIG, request.name, actor=peer
        )
        return pb.SecretChange(change=change.name)

    async def list_secrets(self, _: pb.ListSecretsRequest, __: str) -> pb.ListSecretsResponse:
        """Return what was declared, without values."""
        await self._scheduler.carried_out()
        config = self._scheduler.platform.agent_config()
        return pb.ListSecretsResponse(
            secrets=map(_secret_summary, self._scheduler.platform.secrets()),
            agentConfig=_config_summary(config) if config is not None else None,
        )


def _secret_summary(secret: SecretStatus) -> pb.SecretSummary:
    return pb.SecretSummary(
        name=secret.name,
        sizes=secret.sizes,
        remote=secret.remote,
        problem=secret.problem,
        models=secret.models,
        kubernetesMeta=kubernetes_message(secret.meta),
    )


def _config_summary(config: AgentConfigStatus) -> pb.AgentConfigSummary:
    return pb.AgentConfigSummary(
        remotes=[
            pb.PreloadedRemote(
                remote=each.remote, secretName=each.secret_name, problem=each.problem
            )
            for each in config.remotes
        ],
        kubernetesMeta=kubernetes_message(config.meta),
    )
