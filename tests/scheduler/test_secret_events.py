import pytest

from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.scheduler.events import model_of, restored_event
from seldon_core.scheduler.records import Kind, StoredAgentConfig, StoredSecret
from seldon_core.scheduler.secret_events import SecretDeclared, SecretUnloadRequested
from seldon_core.scheduler.story import tell_event

SECRET = SecretSpec("minio", {"s3": b"hunter2"})
CONFIG = AgentConfigSpec((), (Remote("s3", "s3", {"token": "hunter2"}),))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (restored_event(1, StoredSecret("minio", SECRET)), "secret/minio restored from the store"),
        (SecretDeclared(1, SECRET, 1, "me"), "secret/minio declared by me"),
        (SecretDeclared(1, CONFIG, 1), "configmap/seldon-agent declared by this process"),
        (SecretUnloadRequested(1, Kind.SECRET, "minio", 1), "secret/minio deleted by this process"),
        (
            SecretUnloadRequested(1, Kind.AGENT_CONFIG, "seldon-agent", 1, "me"),
            "configmap/seldon-agent deleted by me",
        ),
        (
            restored_event(1, StoredAgentConfig("seldon-agent", CONFIG)),
            "configmap/seldon-agent restored from the store",
        ),
    ],
)
def test_an_event_is_told_by_names_and_shows_no_value(event, told):
    assert tell_event(event) == told
    assert "hunter2" not in repr(event)
    assert model_of(event) is None
