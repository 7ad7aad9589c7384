"""What becomes of Secrets and of the agents' ConfigMap, and which remote a model is given."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.remote import Remote, show_remote
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.scheduler.decisions import AnswerCaller, Change, Drop, LoadOnReplica, Save
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    SyncReached,
    Tick,
    restored_event,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind, StoredAgentConfig, StoredSecret
from seldon_core.scheduler.secret_events import SecretDeclared, SecretUnloadRequested
from seldon_core.scheduler.secrets import AgentConfigStatus, PreloadedStatus, SecretStatus
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaId, ReplicaModelEvent
from tests.support.scheduler_any_order import SPECS, AnyOrder

R0 = ReplicaId("mlserver", 0)
S3, OTHER_S3 = (Remote("s3", "s3", {"token": token}) for token in ("hunter2", "other"))
GS = Remote("gs", "gcs", {"token": "hunter3"})


def secret(name="minio", remote=S3, **fields):
    return SecretSpec(name, {"key": show_remote(remote).encode()}, **fields)


def machine_with(*specs):
    machine = SchedulerMachine()
    for spec in specs:
        machine.handle(SecretDeclared(1, spec, 0))
    return machine


def model(uri="s3://iris", name="iris", **fields):
    return ModelSpec(name, uri, **fields)


def refusal(machine, spec):
    with pytest.raises(InvalidResourceError) as caught:
        machine.remote_for(spec)
    assert "hunter" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("spec", "other", "stored", "kind"),
    [
        (secret(), secret(remote=GS), StoredSecret, Kind.SECRET),
        (AgentConfigSpec(("a",)), AgentConfigSpec(), StoredAgentConfig, Kind.AGENT_CONFIG),
    ],
    ids=["secret", "config"],
)
def test_what_is_declared_is_kept_answered_and_deleted(spec, other, stored, kind):
    machine = SchedulerMachine()
    assert machine.handle(SecretDeclared(1, spec, 7)) == [
        Save(stored(spec.name, spec)),
        AnswerCaller(7, change=Change.CREATED),
    ]
    same = machine.handle(SecretDeclared(2, replace(spec), 8))
    assert same == [AnswerCaller(8, change=Change.UNCHANGED)]
    assert machine.handle(SecretDeclared(3, other, 9))[1:] == [
        AnswerCaller(9, change=Change.CONFIGURED)
    ]
    elsewhere = replace(spec, meta=KubernetesMeta("elsewhere"))
    (answer,) = machine.handle(SecretDeclared(4, elsewhere, 9))
    assert isinstance(answer.error, InvalidResourceError)
    assert "is already declared in namespace 'default'" in str(answer.error)
    assert machine.handle(SecretUnloadRequested(5, kind, spec.name, 10)) == [
        Drop(kind, spec.name),
        AnswerCaller(10, change=Change.DELETED),
    ]
    (answer,) = machine.handle(SecretUnloadRequested(6, kind, spec.name, 11))
    assert isinstance(answer.error, NotFoundError)
    assert (machine.secrets(), machine.agent_config()) == ([], None)


def test_a_restart_brings_them_back():
    config = AgentConfigSpec(("minio",), (GS,))
    machine = SchedulerMachine()
    for stored in (StoredSecret("minio", secret()), StoredAgentConfig(config.name, config)):
        assert machine.handle(restored_event(1, stored)) == []
    assert machine.remote_for(model(storage_secret="minio")) == S3
    assert machine.remote_for(model("gs://x")) == GS


@pytest.mark.parametrize("uri", ["/models/iris", "file:///models/iris"])
def test_a_file_of_the_machine_needs_no_remote_whatever_it_names(uri):
    assert SchedulerMachine().remote_for(model(uri, storage_secret="none")) is None


def test_a_model_is_given_the_remote_of_the_secret_that_it_names():
    machine = machine_with(secret(), secret("other", OTHER_S3))
    assert machine.remote_for(model(storage_secret="other")) == OTHER_S3
    assert machine.remote_for(model()) is None


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (model(storage_secret="x"), "spec.secretName: there is no Secret 'x'; declare it with"),
        (model("gs://x", storage_secret="minio"), "defines the remote 's3', and the storageUri is"),
        (model(storage_secret="bad"), "spec.secretName: Secret 'bad' has 0 values, and storage"),
        (
            model(storage_secret="minio", meta=KubernetesMeta("b")),
            "Secret 'minio' is in namespace 'a', and the model in 'b'",
        ),
    ],
    ids=["missing", "other remote", "unusable", "other namespace"],
)
def test_why_a_secret_cannot_be_used_is_said(spec, reason):
    machine = machine_with(secret(meta=KubernetesMeta("a")), SecretSpec("bad"))
    assert reason in refusal(machine, spec)


@pytest.mark.parametrize(
    ("own", "others"), [("", "a"), ("a", ""), ("a", "a")], ids=["model", "secret", "both"]
)
def test_a_namespace_that_is_not_said_is_any(own, others):
    machine = machine_with(secret(meta=KubernetesMeta(others)))
    spec = model(storage_secret="minio", meta=KubernetesMeta(own))
    assert machine.remote_for(spec) == S3


def test_without_a_secret_of_its_own_the_last_remote_of_the_config_counts():
    names = ("minio", "second", "gone", "bad")
    config = AgentConfigSpec(names, (GS,))
    machine = machine_with(secret(), secret("second", OTHER_S3), SecretSpec("bad"), config)
    assert machine.remote_for(model()) == OTHER_S3
    assert machine.remote_for(model("gs://x")) == GS
    assert machine.remote_for(model("az://x")) is None
    assert machine.agent_config() == AgentConfigStatus(
        (
            PreloadedStatus("s3", "minio", ""),
            PreloadedStatus("s3", "second", ""),
            PreloadedStatus("", "gone", "there is no such Secret"),
            PreloadedStatus(
                "",
                "bad",
                "Secret 'bad' has 0 values, and storage needs one that has exactly one: the "
                "definition of a remote",
            ),
            PreloadedStatus("gs", "", ""),
        )
    )


def test_a_changed_secret_counts_for_the_next_load():
    machine = machine_with(secret())
    machine.handle(SecretDeclared(2, secret(remote=OTHER_S3), 0))
    assert machine.remote_for(model(storage_secret="minio")) == OTHER_S3


def test_a_secret_is_told_without_values_and_with_who_names_it():
    machine = machine_with(secret(), SecretSpec("bad", {"a": b"xx", "b": b""}))
    machine.handle(ModelLoadRequested(1, model(storage_secret="minio"), 1))
    machine.handle(ModelLoadRequested(1, model(name="gone", storage_secret="minio"), 2))
    machine.handle(ModelUnloadRequested(1, "gone", 3))
    size = len(show_remote(S3))
    first, second = machine.secrets()
    assert first == SecretStatus("minio", {"key": size}, "s3", "", ("iris",), None)
    assert (second.sizes, second.remote) == ({"a": 2, "b": 0}, "")
    assert second.problem.startswith("Secret 'bad' has 2 values")
    assert "hunter" not in repr([first, second])


def test_a_model_that_failed_is_tried_soon_when_a_secret_has_come():
    machine = SchedulerMachine()
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig((), 100, 0)))
    machine.handle(SyncReached(1))
    for name, uri in (("iris", "s3://iris"), ("near", "/near")):
        machine.handle(ModelLoadRequested(1, model(uri, name, storage_secret="minio"), 1))
        failed = ModelReport(R0, name, 1, ReplicaModelEvent.LOAD_FAILED, "why")
        machine.handle(ModelReported(1, failed))
    machine.handle(SecretDeclared(1.5, secret(), 2))
    assert machine.next_wakeup() == 1.5
    loads = [each for each in machine.handle(Tick(1.5)) if isinstance(each, LoadOnReplica)]
    assert [load.version.spec.name for load in loads] == ["iris"]


class SecretsInAnyOrder(AnyOrder):
    """Secrets come and go beside all else, and models are on the remotes that they define."""

    @rule(spec=SPECS)
    def load_far(self, spec):
        self.load(replace(spec, storage_uri="s3:x", storage_secret="minio"), False, False)

    @rule(
        spec=st.sampled_from(
            [secret(), secret(remote=GS), SecretSpec("minio"), AgentConfigSpec(("minio",), (GS,))]
        )
    )
    def declare_secret(self, spec):
        before = self.healthy()
        assert self.ask(SecretDeclared, spec, self.caller + 1)
        assert before <= self.healthy()

    @rule(kind=st.sampled_from([Kind.SECRET, Kind.AGENT_CONFIG]))
    def unload_secret(self, kind):
        before = self.healthy()
        name = "minio" if kind is Kind.SECRET else "seldon-agent"
        was_there = (kind, name) in self.kept
        assert self.ask(SecretUnloadRequested, kind, name, self.caller + 1) == was_there
        assert before <= self.healthy()

    @invariant()
    def what_is_kept_is_what_is_known(self):
        vault = self.machine.state.vault
        kept = {name for kind, name in self.kept if kind is Kind.SECRET}
        assert set(vault.secrets) == kept
        assert ((Kind.AGENT_CONFIG, "seldon-agent") in self.kept) == (
            vault.agent_config is not None
        )


TestSecretsInAnyOrder = SecretsInAnyOrder.TestCase
TestSecretsInAnyOrder.settings = settings(max_examples=25, stateful_step_count=30)
