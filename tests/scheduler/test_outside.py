"""What goes out of the scheduler to agents, routers, and who runs servers."""

import asyncio

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.decisions import (
    AskForReplicas,
    ConfigureServers,
    LoadOnReplica,
    PublishReplica,
    PublishRoute,
    PublishServer,
    RunServer,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.outside import Outside
from seldon_core.transport.control import (
    ModelReport,
    ReplicaAddress,
    ReplicaId,
    ReplicaModelEvent,
    RouteUpdate,
)
from tests.support.scheduler_fakes import FakeLink, FakeRoutes
from tests.support.secret_scheduler import RemoteLink

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)
IRIS = ModelVersion(ModelSpec("iris", "/iris"), 3)
ADDRESS = ReplicaAddress("there", 1, 1)


class FakeOwner:
    """Remembers what it is to run."""

    def __init__(self):
        self.told = []

    def run_server(self, spec, replicas):
        self.told.append((spec.name, replicas))

    def configure(self, config):
        self.told.append(config.name)


def test_orders_go_to_their_replica_and_to_nobody_once_it_is_gone():
    link = FakeLink(R0)
    outside = Outside({R0: link}, FakeRoutes(), None)
    for replica in (R0, R1):
        outside.carry_out(LoadOnReplica(replica, IRIS))
        outside.carry_out(UnloadOnReplica(replica, "iris", 2))
    assert link.orders == ["load iris_3", "unload iris_2"]


def test_routers_are_told_of_routes_and_of_replicas():
    routes = FakeRoutes()
    outside = Outside({}, routes, None)
    outside.carry_out(PublishReplica(R0, ADDRESS))
    outside.carry_out(PublishReplica(R1, None))
    outside.carry_out(PublishRoute(RouteUpdate("iris")))
    assert routes.replicas == {R0: ADDRESS, R1: None}
    assert routes.updates == [RouteUpdate("iris")]


def test_who_runs_servers_is_told_what_to_run():
    owner = FakeOwner()
    for outside in (Outside({}, FakeRoutes(), owner), Outside({}, FakeRoutes(), None)):
        outside.carry_out(RunServer(ServerSpec("big"), 2))
        outside.carry_out(ConfigureServers(ServerConfigSpec("small")))
    assert owner.told == [("big", 2), "small"]


def test_how_often_models_were_scaled_is_counted():
    outside = Outside({}, FakeRoutes(), None)
    for before, replicas in ((1, 3), (3, 2), (2, 3)):
        outside.carry_out(ScaleModel("iris", before, replicas, "why"))
    assert outside.scalings == {"up": 2, "down": 1}


def test_who_follows_servers_is_told_of_changes_and_of_what_is_asked_for():
    async def test():
        outside = Outside({}, FakeRoutes(), None)
        with outside.watch_servers() as servers, outside.watch_asks() as asks:
            outside.carry_out(PublishServer("far"))
            outside.carry_out(AskForReplicas("far", 3))
            outside.end()
            assert [name async for name in servers] == ["far"]
            assert [name async for name in asks] == ["far"]
            assert outside.asked_replicas("far") == 3
            assert outside.asked_replicas("near") is None

    asyncio.run(test())


def no_secret(spec):
    raise InvalidResourceError("spec.secretName", "there is no Secret")


def test_a_load_is_given_the_remote_as_it_is_then():
    link, remotes = RemoteLink(), iter(["first", "second"])
    outside = Outside({R0: link}, FakeRoutes(), None, lambda spec: next(remotes))
    for remote in ("first", "second"):
        outside.carry_out(LoadOnReplica(R0, IRIS))
        assert link.remotes == {"iris_3": remote}


def test_a_load_whose_secret_is_missing_fails_and_the_replica_hears_nothing_of_it(caplog):
    link, reports = RemoteLink(), []
    outside = Outside({R0: link}, FakeRoutes(), None, no_secret, reports.append)
    outside.carry_out(LoadOnReplica(R0, IRIS))
    assert link.orders == []
    why = "spec.secretName: there is no Secret"
    assert reports == [ModelReport(R0, "iris", 3, ReplicaModelEvent.LOAD_FAILED, why)]
    assert "model failed to load model=iris_3 replica=mlserver/0" in caplog.text


def test_an_agent_that_finds_secrets_itself_is_told_of_one_that_is_not_here():
    link, reports = RemoteLink(finds_secrets=True), []
    outside = Outside({R0: link}, FakeRoutes(), None, no_secret, reports.append)
    outside.carry_out(LoadOnReplica(R0, IRIS))
    assert (link.remotes, reports) == ({"iris_3": None}, [])
