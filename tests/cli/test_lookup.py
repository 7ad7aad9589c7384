import grpc
import pytest

from seldon_core.cli.kinds import Target
from seldon_core.cli.lookup import open_lookup
from seldon_core.errors import ConfigError, UpstreamError
from seldon_core.proto import scheduler_pb2
from seldon_core.resources.kubernetes import KINDS
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from tests.support.toy_scheduler import a_model, a_server, gone, toy_scheduler

MODEL, SERVER = KINDS["Model"], KINDS["Server"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as started:
        started.keep(a_model("wine"))
        started.keep(a_model("iris", spec=ModelSpec("iris", "/m", meta=KubernetesMeta("mesh"))))
        started.keep(gone("gone"))
        started.servers["mlserver"] = a_server()
        yield started


@pytest.fixture
def lookup(toy):
    with open_lookup(toy.address) as opened:
        yield opened


def names(found):
    return [seen.name for seen in found]


def test_resources_are_listed_by_name_without_those_that_are_gone(lookup):
    assert names(lookup.list(MODEL)) == ["iris", "wine"]
    assert names(lookup.list(SERVER)) == ["mlserver"]


def test_a_namespace_has_its_models_and_every_server(lookup):
    assert names(lookup.list(MODEL, "mesh")) == ["iris"]
    assert names(lookup.list(MODEL, "default")) == ["wine"]
    assert names(lookup.list(SERVER, "mesh")) == ["mlserver"]


@pytest.mark.parametrize(
    ("target", "namespace", "is_found"),
    [
        (Target(MODEL, "iris"), None, True),
        (Target(MODEL, "iris"), "mesh", True),
        (Target(MODEL, "iris"), "default", False),
        (Target(MODEL, "nope"), None, False),
        (Target(MODEL, "gone"), None, False),
        (Target(SERVER, "mlserver"), None, True),
        (Target(SERVER, "nope"), None, False),
    ],
    ids=["model", "in its namespace", "in another", "no model", "gone", "server", "no server"],
)
def test_a_resource_is_found_by_its_name(lookup, target, namespace, is_found):
    found = lookup.find(target, namespace)
    assert (found is not None) is is_found
    if found is not None:
        assert (found.kind, found.name) == (target.kind, target.name)


def test_what_is_gone_is_remembered(lookup):
    assert lookup.recall(Target(MODEL, "gone")).is_gone
    assert lookup.recall(Target(MODEL, "never")) is None


def test_a_kind_without_a_name_means_all_of_it(lookup):
    targets = [Target(SERVER, "mlserver"), Target(MODEL)]
    assert [str(each).partition("/")[2] for each in lookup.each(targets)] == [
        "mlserver",
        "iris",
        "wine",
    ]
    assert list(lookup.each([Target(MODEL)], "nowhere")) == []


def test_a_watch_goes_on_with_what_changes(toy, lookup):
    toy.updates = [a_model("new"), a_model("iris")]
    assert names(lookup.watch(MODEL)) == ["wine", "iris", "gone", "new", "iris"]
    assert names(lookup.watch(MODEL, "mesh")) == ["iris"]
    toy.updates = []
    assert names(lookup.watch(SERVER)) == ["mlserver"]


def test_a_wish_for_replicas_is_no_change_of_a_server(toy, lookup):
    wish = scheduler_pb2.ServerStatusResponse.ScalingRequest
    toy.updates = [scheduler_pb2.ServerStatusResponse(serverName="mlserver", type=wish)]
    assert names(lookup.watch(SERVER)) == ["mlserver"]


def test_a_refusal_is_in_the_schedulers_own_words(toy):
    toy.refusals["status of iris"] = (grpc.StatusCode.UNAVAILABLE, "the disk is full")
    with pytest.raises(UpstreamError) as caught, open_lookup(toy.address) as lookup:
        lookup.find(Target(MODEL, "iris"))
    assert str(caught.value) == "the disk is full"


def test_nobody_at_the_address_is_told_with_what_to_do():
    with (
        pytest.raises(UpstreamError, match=r"^no scheduler can be reached at 127\.0\.0\.1:1 \("),
        open_lookup("127.0.0.1:1") as lookup,
    ):
        lookup.list(MODEL)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="must be host:port"), open_lookup("nonsense"):
        pass
