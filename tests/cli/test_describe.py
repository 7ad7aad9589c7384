import grpc
import pytest

from seldon_core.cli.describe import describe, model_page, server_page
from seldon_core.cli.seen_models import SeenModel
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.errors import UpstreamError
from seldon_core.proto import control_pb2
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from tests.support.toy_scheduler import SINCE, a_model, a_server, gone, toy_scheduler


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as started:
        yield started


def described(status, **parts):
    return control_pb2.DescribeModelResponse(status=status, **parts)


def test_a_models_page_tells_why_it_is_as_it_is():
    spec = ModelSpec(
        "iris",
        "/m",
        ("sklearn",),
        102_400,
        replicas=2,
        knobs=Knobs(keep_in_memory=True),
        meta=KubernetesMeta("mesh"),
    )
    status = a_model(version=1, spec=spec)
    newer = a_model(state="ScheduleFailed", reason="no room", version=2, server="", spec=spec)
    status.versions.append(newer.versions[0])
    page = described(
        status,
        verdicts=[
            {"serverName": "mlserver"},
            {
                "serverName": "mlserver",
                "replicaIdx": 0,
                "filter": "AvailableMemoryReplicaFilter",
                "reason": "has 1 KiB free",
            },
            {
                "serverName": "triton",
                "filter": "ServerRequirementsFilter",
                "reason": "lacks sklearn",
            },
        ],
        story=[
            {
                "eventId": 7,
                "time": {"seconds": SINCE},
                "event": "declared by 127.0.0.1:5",
                "decisions": ["kept in the store", "answered: created"],
            }
        ],
    )
    assert "\n".join(model_page(page, SINCE + 60)) == (
        "Name:         iris\n"
        "Namespace:    mesh\n"
        "Kind:         Model\n"
        "Version:      2\n"
        "Server:       <none>\n"
        "State:        ScheduleFailed, for 60s\n"
        "Reason:       no room\n"
        "Replicas:     2 desired, 0 available, 1 unavailable\n"
        "Calls go to:  version 1 on mlserver\n"
        "Declared:\n"
        "  annotations:\n"
        "    seldon-core/keep-in-memory: 'true'\n"
        "  storageUri: /m\n"
        "  requirements:\n"
        "  - sklearn\n"
        "  memory: 100Ki\n"
        "  replicas: 2\n"
        "Placement:\n"
        "  SERVER     REPLICA   FILTER                         REASON\n"
        "  mlserver   -         -                              suits the model\n"
        "  mlserver   0         AvailableMemoryReplicaFilter   has 1 KiB free\n"
        "  triton     -         ServerRequirementsFilter       lacks sklearn\n"
        "Versions:\n"
        "  VERSION   STATE            SERVER     AVAILABLE   CHANGED   REASON\n"
        "  1         ModelAvailable   mlserver   1           60s\n"
        "  2         ScheduleFailed   <none>     0           60s       no room\n"
        "On replicas:\n"
        "  VERSION   REPLICA      STATE       CHANGED   REASON\n"
        "  1         mlserver/0   Available   60s\n"
        "Story:\n"
        "  2023-11-14T22:13:20Z  event 7: declared by 127.0.0.1:5\n"
        "      kept in the store\n"
        "      answered: created"
    )


def test_a_page_tells_what_scaling_chose_and_why():
    scaling = {"replicas": 3, "reason": "8 requests a second", "time": {"seconds": SINCE}}
    page = "\n".join(model_page(described(a_model(), scaling=scaling), SINCE + 60))
    assert "Scaled:       to 3, for 60s: 8 requests a second\n" in page
    assert "Replicas:     3 desired, " in page


def test_a_page_of_what_sleeps_says_that_the_next_call_loads_it():
    spec = ModelSpec("iris", "/iris", knobs=Knobs(scale_to_zero=True))
    status = a_model(state="ModelScaledDown", spec=spec)
    page = "\n".join(model_page(described(status), SINCE))
    assert "Calls go to:  version 1, which the first loads\n" in page


def test_a_page_without_story_or_reasons_says_so():
    text = "\n".join(model_page(described(gone()), SINCE))
    assert "State:        ModelTerminated, deleted, for 0s\n" in text
    assert "Reason:       <none>\n" in text
    assert "Calls go to:  <none>\n" in text
    assert "Placement:\n  <none>\n" in text
    assert text.endswith("Story:\n  <none>")


def test_a_servers_page_tells_its_replicas_and_models():
    models = [
        SeenModel(a_model("iris")),
        SeenModel(a_model("wine", "ModelFailed", spec=ModelSpec("wine", "/wine"))),
        SeenModel(a_model("other", server="triton")),
    ]
    page = server_page(SeenServer(a_server(available=2, expected=3)), models, SINCE + 5)
    assert "\n".join(page) == (
        "Name:         mlserver\n"
        "Kind:         Server\n"
        "Ready:        False, connected replicas: 2 of 3\n"
        "Memory:       1.95 KiB, 1.17 KiB free with over-commit\n"
        "Loaded:       2 models over all replicas\n"
        "Replicas:\n"
        "  REPLICA   MEMORY       FREE        OVER-COMMIT   MODELS\n"
        "  0         1000 bytes   600 bytes   10 %          1\n"
        "  1         1000 bytes   600 bytes   10 %          1\n"
        "Models:\n"
        "  NAME   VERSION   STATE            REPLICAS     MEMORY    CHANGED\n"
        "  iris   1         ModelAvailable   mlserver/0   100 KiB   5s\n"
        "  wine   1         ModelFailed      <none>       <none>    5s"
    )


def test_a_servers_page_has_the_version_that_serves_while_the_latest_has_no_place():
    status = a_model("iris")
    newer = a_model("iris", "ScheduleFailed", version=2, server="")
    status.versions.append(newer.versions[0])
    page = list(server_page(SeenServer(a_server()), [SeenModel(status)], SINCE))
    assert [line.split()[:3] for line in page if "iris" in line] == [
        ["iris", "1", "ModelAvailable"]
    ]


def test_a_server_is_described_with_all_versions_of_the_models_on_it(toy, capsys):
    status = a_model("iris")
    status.versions.append(a_model("iris", "ModelFailed", version=2).versions[0])
    toy.keep(status)
    toy.servers["mlserver"] = a_server()
    assert describe(["server/mlserver"], [], False, None, toy.address) == 0
    out = capsys.readouterr().out
    assert "  iris   1         ModelAvailable" in out
    assert "  iris   2         ModelFailed" in out


def test_pages_are_apart_and_what_is_missing_is_an_error(toy, capsys):
    toy.keep(a_model("iris"))
    toy.described["iris"] = described(a_model("iris"))
    toy.servers["mlserver"] = a_server()
    words = ["model/iris", "server/mlserver", "model/never"]
    assert describe(words, [], False, None, toy.address) == 1
    out, err = capsys.readouterr()
    model, server = out.split("\n\n\n")
    assert model.startswith("Name:         iris\n")
    assert server.startswith("Name:         mlserver\n")
    assert "  iris " in server
    assert err == 'Error from server (NotFound): models.mlops.seldon.io "never" not found\n'


def test_what_was_deleted_is_described_while_it_is_remembered(toy, capsys):
    toy.keep(gone("iris"))
    toy.described["iris"] = described(gone("iris"))
    assert describe(["model/iris"], [], False, None, toy.address) == 0
    assert "ModelTerminated, deleted" in capsys.readouterr().out


CHAPTER = {
    "eventId": 7,
    "time": {"seconds": SINCE},
    "event": "replica mlserver/1 connected",
    "decisions": ["routers reach mlserver/1 at there:9000"],
}


def test_a_server_s_page_ends_with_its_story(toy, capsys):
    toy.servers["mlserver"] = a_server()
    toy.stories["server", "mlserver"] = [CHAPTER]
    assert describe(["server/mlserver"], [], False, None, toy.address) == 0
    _, _, story = capsys.readouterr().out.partition("Story:\n")
    first, second = story.splitlines()
    assert first.endswith("  event 7: replica mlserver/1 connected")
    assert second == "      routers reach mlserver/1 at there:9000"


def test_a_scheduler_that_tells_no_stories_is_described_without(toy, capsys):
    toy.servers["mlserver"] = a_server()
    toy.refusals["stories"] = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    assert describe(["server/mlserver"], [], False, None, toy.address) == 0
    assert "Story:" not in capsys.readouterr().out


def test_a_story_that_cannot_be_told_is_an_error(toy):
    toy.servers["mlserver"] = a_server()
    toy.refusals["stories"] = (grpc.StatusCode.INTERNAL, "a bug")
    with pytest.raises(UpstreamError, match="a bug"):
        describe(["server/mlserver"], [], False, None, toy.address)


def test_nothing_to_describe_is_no_error(toy, capsys):
    assert describe(["models"], [], False, None, toy.address) == 0
    assert capsys.readouterr() == ("", "No resources found.\n")
