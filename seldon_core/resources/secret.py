"""Secrets, and the ConfigMap `seldon-agent`, as the process knows them after they were checked.

What they hold is in no `repr`, so that it is in no log either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_core.resources.model import DEFAULT_NAMESPACE, KubernetesMeta
from seldon_core.resources.remote import Remote, parse_remote

AGENT_CONFIG = "seldon-agent"
"""The only ConfigMap that means something here."""

MASK = "********"
"""What is shown in the place of a value."""

MOST_BYTES = 1 << 20
"""Of all values of a Secret together, as in Kubernetes."""


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """A Secret. `data` are its values by their keys."""

    name: str
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    meta: KubernetesMeta | None = None

    @property
    def namespace(self) -> str:
        """The namespace that it is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class AgentConfigSpec:
    """The ConfigMap `seldon-agent`: the remotes that models need not name a Secret for.

    They are in the Secrets `secret_names`, or in the ConfigMap itself.
    """

    secret_names: tuple[str, ...] = ()
    remotes: tuple[Remote, ...] = ()
    meta: KubernetesMeta | None = None

    @property
    def name(self) -> str:
        """`seldon-agent`."""
        return AGENT_CONFIG

    @property
    def namespace(self) -> str:
        """The namespace that it is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE


def remote_of(secret: SecretSpec) -> Remote:
    """Return the remote that the only value of a Secret defines.

    Raises ValueError, a sentence about the Secret without anything that it holds.
    """
    if len(secret.data) != 1:
        raise ValueError(
            f"Secret {secret.name!r} has {len(secret.data)} values, and storage needs one that has "
            "exactly one: the definition of a remote"
        )
    ((key, value),) = secret.data.items()
    try:
        return parse_remote(value.decode())
    except UnicodeDecodeError:
        raise ValueError(f"Secret {secret.name!r}: {key!r} is not text in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"Secret {secret.name!r}: {key!r} defines no remote: {error}") from None
