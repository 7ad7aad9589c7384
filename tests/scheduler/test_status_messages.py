"""Statuses as messages."""

import pytest
from google.protobuf.json_format import MessageToDict

from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.model import KubernetesMeta, ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import AnswerCaller, Change, PublishStatus
from seldon_core.scheduler.events import ModelLoadRequested
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.scheduler.status import (
    ModelReplicaStatus,
    ModelStatus,
    ModelVersionStatus,
    Verdict,
)
from seldon_core.scheduler.status_messages import (
    chapter_message,
    model_message,
    server_message,
    verdict_message,
)
from seldon_core.scheduler.story import Chapter
from seldon_core.transport.control import RuntimeInfo
from tests.support.control_fakes import a_model, a_server, a_version


def test_a_healthy_model_reads_as_seldons():
    spec = ModelSpec("iris", "/iris", requirements=("sklearn",), meta=KubernetesMeta())
    message = model_message(a_model(a_version(spec=spec)))
    assert MessageToDict(message) == {
        "modelName": "iris",
        "versions": [
            {
                "version": 1,
                "serverName": "mlserver",
                "kubernetesMeta": {},
                "modelReplicaState": {
                    "0": {"state": "Available", "lastChangeTimestamp": "2023-11-14T22:13:20.250Z"}
                },
                "state": {
                    "state": "ModelAvailable",
                    "availableReplicas": 1,
                    "lastChangeTimestamp": "2023-11-14T22:13:20.500Z",
                },
                "modelDefn": {
                    "meta": {"name": "iris", "kubernetesMeta": {}},
                    "modelSpec": {"uri": "/iris", "requirements": ["sklearn"]},
                    "deploymentSpec": {"replicas": 1},
                },
            }
        ],
    }


def test_a_model_that_is_nowhere_has_changed_at_no_time():
    version = ModelVersion(ModelSpec("iris", "/iris", replicas=0), 1)
    status = ModelVersionStatus(version, "", ModelState.SCALED_DOWN, "", 0.0, 0, 0, ())
    (message,) = MessageToDict(model_message(a_model(status)))["versions"]
    assert message["state"]["lastChangeTimestamp"] == "0001-01-01T00:00:00Z"
    assert "serverName" not in message
    assert "modelReplicaState" not in message
    assert "kubernetesMeta" not in message
    assert message["modelDefn"]["deploymentSpec"] == {}


def test_the_latest_version_is_told_or_all():
    model = a_model(a_version(1), a_version(2))
    assert [version.version for version in model_message(model).versions] == [2]
    every = model_message(model, all_versions=True)
    assert [version.version for version in every.versions] == [1, 2]


@pytest.mark.parametrize("state", ModelState, ids=lambda state: state.value)
def test_every_state_of_a_model_has_its_number(state):
    message = model_message(a_model(a_version(state=state)))
    assert pb.ModelStatus.ModelState.Name(message.versions[0].state.state) == state.value


@pytest.mark.parametrize("state", ReplicaState, ids=lambda state: state.value)
def test_every_state_of_a_replica_has_its_number(state):
    version = ModelVersion(ModelSpec("iris", "/iris"), 1)
    replica = ModelReplicaStatus(3, state, "because", 1.0)
    status = ModelVersionStatus(
        version, "mlserver", ModelState.PROGRESSING, "", 1.0, 0, 1, (replica,)
    )
    message = model_message(a_model(status)).versions[0].modelReplicaState[3]
    assert pb.ModelReplicaStatus.ModelReplicaState.Name(message.state) == state.value
    assert message.reason == "because"


@pytest.mark.parametrize(
    "change",
    [change for change in Change if change.name != "DELETED"],
    ids=lambda change: change.value,
)
def test_every_change_by_a_declaration_has_its_number(change):
    message = control_pb2.ApplyModelResponse(change=change.name)
    assert message.change != control_pb2.ApplyModelResponse.CHANGE_UNKNOWN


def test_a_server_reads_as_seldons():
    assert MessageToDict(server_message(a_server(loaded=2))) == {
        "type": "StatusUpdate",
        "serverName": "mlserver",
        "resources": [
            {
                "totalMemoryBytes": "1000",
                "availableMemoryBytes": "600",
                "numLoadedModels": 2,
                "overCommitPercentage": 10,
            }
        ],
        "expectedReplicas": -1,
        "availableReplicas": 1,
        "numLoadedModelReplicas": 2,
        "kubernetesMeta": {},
    }


def test_a_verdict_on_a_whole_server_names_no_replica():
    message = verdict_message(Verdict("triton", None, "capabilities", "has no sklearn"))
    assert not message.HasField("replicaIdx")
    assert (message.serverName, message.filter, message.reason) == (
        "triton",
        "capabilities",
        "has no sklearn",
    )
    assert verdict_message(Verdict("triton", 0, "", "")).HasField("replicaIdx")


def test_a_chapter_is_told_in_words_and_to_the_microsecond():
    event = ModelLoadRequested(1_700_000_000.123457, ModelSpec("iris", "/iris"), 1, "10.0.0.1:5")
    decisions = (PublishStatus("iris"), AnswerCaller(1, None, Change.CREATED))
    message = chapter_message(Chapter(7, event, decisions), "iris")
    assert MessageToDict(message) == {
        "eventId": "7",
        "time": "2023-11-14T22:13:20.123457Z",
        "event": "declared by 10.0.0.1:5",
        "decisions": ["answered: created"],
    }


@pytest.mark.parametrize(
    ("runtime", "told"),
    [
        (RuntimeInfo("mlserver", 4), {"mlserver": {"parallelWorkers": 4}}),
        (RuntimeInfo("triton", 2), {"triton": {"cpu": [{"instanceCount": 2}]}}),
    ],
    ids=["mlserver", "triton"],
)
def test_how_a_server_of_another_kind_runs_a_model_is_told(runtime, told):
    version = ModelVersion(ModelSpec("iris", "/m"), 1)
    status = ModelVersionStatus(
        version, "a", ModelState.AVAILABLE, "", 0.0, 1, 0, (), runtime=runtime
    )
    message = model_message(ModelStatus("iris", False, (status,)))
    defined = message.versions[0].modelDefn
    assert MessageToDict(defined.modelSpec.modelRuntimeInfo) == told
