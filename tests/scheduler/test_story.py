"""What happened to a model, and in what words."""

import pytest

from seldon_core.errors import NotFoundError
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler import decisions as decided
from seldon_core.scheduler import events
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Drop,
    LoadOnReplica,
    PublishRoute,
    PublishStatus,
    Save,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ModelScalingRestored,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ModelWakeRequested,
    ReplicaConnected,
    ReplicaLost,
    ServerNotice,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.records import (
    Kind,
    StoredModel,
    StoredScaling,
    StoredServer,
    StoredServerConfig,
)
from seldon_core.scheduler.story import (
    CHAPTERS,
    Chapter,
    Story,
    subjects_of,
    tell_decision,
    tell_event,
    tell_event_of,
)
from seldon_core.transport.control import (
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    RouteCandidate,
    RouteUpdate,
    ScalingSignal,
    SignalKind,
)

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)
IRIS = ModelSpec("iris", "/iris")
STORED = StoredModel("iris", (), None, None)


def load_of(name):
    return LoadOnReplica(R0, ModelVersion(ModelSpec(name, "/m"), 1))


def test_an_event_is_in_the_story_of_every_model_that_it_concerns():
    story = Story()
    event = SyncReached(1)
    story.add(7, event, [load_of("iris"), load_of("wine"), PublishStatus("iris")])
    assert story.of("iris") == [Chapter(7, event, (load_of("iris"), PublishStatus("iris")))]
    assert story.of("wine") == [Chapter(7, event, (load_of("wine"),))]
    assert story.of("rose") == []


def test_an_answer_belongs_to_the_model_that_was_asked_about():
    story = Story()
    event = ModelLoadRequested(1, IRIS, caller=1)
    story.add(1, event, [Save(STORED), AnswerCaller(1)])
    assert story.of("iris") == [Chapter(1, event, (Save(STORED), AnswerCaller(1)))]


def test_an_event_that_led_to_nothing_is_told_of_a_known_model():
    story = Story()
    story.add(1, SyncReached(1), [load_of("iris")])
    event = ModelReported(2, ModelReport(R0, "iris", 9, ReplicaModelEvent.UNLOADED))
    story.add(2, event, [])
    assert story.of("iris")[-1] == Chapter(2, event, ())


def test_refusals_about_models_that_never_were_are_not_kept():
    story = Story()
    for number in range(3):
        event = ModelUnloadRequested(1, f"m{number}", caller=1)
        story.add(number, event, [AnswerCaller(1, NotFoundError("model", f"m{number}"))])
    assert story._chapters == {}


def test_calls_that_wait_for_what_cannot_be_loaded_drive_nothing_out_of_its_story():
    story = Story()
    failed = ModelReported(1, ModelReport(R0, "iris", 1, ReplicaModelEvent.LOAD_FAILED, "why"))
    story.add(1, failed, [PublishStatus("iris")])
    for number in range(2, CHAPTERS + 3):
        story.add(number, ModelWakeRequested(2, "iris", 1), [AnswerCaller(1)])
    assert [chapter.event for chapter in story.of("iris")] == [failed]
    woken = ModelWakeRequested(3, "iris", 1)
    scaled = ScaleModel("iris", 0, 1, "loaded by a call")
    story.add(99, woken, [AnswerCaller(1), scaled])
    assert story.of("iris")[-1] == Chapter(99, woken, (scaled,))


def test_only_the_last_chapters_are_kept_and_none_of_the_forgotten():
    story = Story()
    for number in range(CHAPTERS + 3):
        story.add(number, SyncReached(1), [load_of("iris")])
    assert [chapter.event_id for chapter in story.of("iris")] == list(range(3, CHAPTERS + 3))
    story.forget("iris")
    story.forget("iris")
    assert story.of("iris") == []


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ModelRestored(1, STORED), "restored from the store"),
        (SyncReached(1), "the expected replicas are connected"),
        (ModelLoadRequested(1, IRIS, 1, "ipv4:127.0.0.1:7"), "declared by ipv4:127.0.0.1:7"),
        (ModelLoadRequested(1, IRIS, 1), "declared by this process"),
        (
            ModelLoadRequested(1, IRIS, 1, from_folder=True),
            "declared by a folder of --models",
        ),
        (
            ModelLoadRequested(1, IRIS, 1, "127.0.0.1:7", from_folder=True, is_again=True),
            "loaded anew by 127.0.0.1:7",
        ),
        (ModelUnloadRequested(1, "iris", 1, actor="a peer"), "deleted by a peer"),
        (ModelUnloadRequested(1, "iris", 1), "deleted by this process"),
        (ReplicaConnected(1, R0, ReplicaConfig((), 1, 0)), "replica mlserver/0 connected"),
        (ReplicaLost(1, R0), "replica mlserver/0 lost"),
        (
            ModelReported(1, ModelReport(R0, "iris", 2, ReplicaModelEvent.LOADED)),
            "mlserver/0 reports version 2 Loaded",
        ),
        (
            ModelReported(1, ModelReport(R0, "iris", 2, ReplicaModelEvent.LOAD_FAILED, "why")),
            "mlserver/0 reports version 2 LoadFailed: why",
        ),
        (Tick(1), "the time has come to try again"),
        (
            ModelScalingSignalled(1, ScalingSignal(R0, "iris", 1, SignalKind.RATE, 8.25)),
            "mlserver/0 signals rate 8.25",
        ),
        (
            ModelScalingSignalled(90, ScalingSignal(R0, "iris", 1, SignalKind.UNUSED, 30)),
            "mlserver/0 signals unused for 60 s",
        ),
        (
            ModelScalingSignalled(1, ScalingSignal(None, "iris", 0, SignalKind.CUSTOM, 3)),
            "somebody outside signals custom 3",
        ),
        (
            ModelScalingSignalled(
                1, ScalingSignal(None, "iris", 0, SignalKind.CUSTOM, 3), "CN=alice"
            ),
            "CN=alice signals custom 3",
        ),
        (ModelWakeRequested(1, "iris", 1), "a call waits for it"),
        (
            ModelScalingRestored(1, StoredScaling("iris", "default", 1, 2, "", 1)),
            "what scaling chose restored from the store",
        ),
    ],
)
def test_an_event_is_told_in_words(event, told):
    assert tell_event(event) == told


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (Save(STORED), "kept in the store"),
        (Drop(Kind.MODEL, "iris"), "removed from the store"),
        (load_of("iris"), "load version 1 on mlserver/0"),
        (UnloadOnReplica(R0, "iris", 2), "unload version 2 from mlserver/0"),
        (
            PublishRoute(RouteUpdate("iris", (RouteCandidate("iris", 2, 100, (R0, R1)),))),
            "calls go to version 2 on mlserver/0 and mlserver/1",
        ),
        (
            PublishRoute(RouteUpdate("iris", notice="is loading")),
            "calls are refused: is loading",
        ),
        (PublishRoute(RouteUpdate("iris")), "calls find no such model"),
        (AnswerCaller(1, change=Change.CREATED), "answered: created"),
        (AnswerCaller(1, NotFoundError("model", "x")), "refused: model 'x' not found"),
        (PublishStatus("iris"), None),
        (ScaleModel("iris", 1, 2, "8 requests"), "2 replicas instead of 1: 8 requests"),
    ],
)
def test_a_decision_is_told_in_words(decision, told):
    assert tell_decision(decision) == told


SERVER, CONFIG = ServerSpec("big"), ServerConfigSpec("common")
THERE = ReplicaAddress("there", 9000, 9000)


@pytest.mark.parametrize(
    ("event", "subjects"),
    [
        (events.ServerRestored(1, StoredServer("big")), ("big.server",)),
        (events.ServerDeclared(1, SERVER, 1), ("big.server",)),
        (events.ServerUnloadRequested(1, "big", 1), ("big.server",)),
        (
            events.ServersNotified(1, (ServerNotice("a", 1), ServerNotice("b", 2)), False, 1),
            ("a.server", "b.server"),
        ),
        (ReplicaConnected(1, R0, ReplicaConfig((), 1, 0)), ("mlserver.server",)),
        (ReplicaLost(1, R0), ("mlserver.server",)),
        (events.ReplicaDrainRequested(1, R0, 1), ("mlserver.server",)),
        (
            events.ServerConfigRestored(1, StoredServerConfig("common", CONFIG)),
            ("common.serverconfig",),
        ),
        (events.ServerConfigDeclared(1, CONFIG, 1), ("common.serverconfig",)),
        (events.ServerConfigUnloadRequested(1, "common", 1), ("common.serverconfig",)),
        (ModelLoadRequested(1, IRIS, 1), ("iris",)),
        (Tick(1), ()),
    ],
    ids=lambda given: type(given).__name__ if not isinstance(given, tuple) else "",
)
def test_an_event_is_about_these_resources(event, subjects):
    assert subjects_of(event) == subjects


@pytest.mark.parametrize(
    ("decision", "subject"),
    [
        (decided.RunServer(SERVER, 2), "big.server"),
        (decided.AskForReplicas("big", 2), "big.server"),
        (decided.PublishReplica(R0, None), "mlserver.server"),
        (decided.ConfigureServers(CONFIG), "common.serverconfig"),
        (decided.PublishServer("big"), None),
        (AnswerCaller(1), None),
    ],
    ids=lambda given: type(given).__name__ if hasattr(given, "__slots__") else "",
)
def test_a_decision_is_about_this_server(decision, subject):
    assert decided.model_of(decision) == subject


def test_what_happens_to_a_server_is_in_its_own_story():
    story = Story()
    declared = events.ServerDeclared(1, SERVER, 1)
    kept = Save(StoredServer("big"))
    story.add(1, declared, [kept, decided.RunServer(SERVER, 2), AnswerCaller(1)])
    came = ReplicaConnected(2, ReplicaId("big", 0), ReplicaConfig((), 1, 0))
    story.add(2, came, [load_of("iris"), decided.PublishServer("big")])
    lost = ReplicaLost(3, ReplicaId("big", 0))
    story.add(3, lost, [])
    assert story.of("big.server") == [
        Chapter(1, declared, (kept, decided.RunServer(SERVER, 2), AnswerCaller(1))),
        Chapter(2, came, (decided.PublishServer("big"),)),
        Chapter(3, lost, ()),
    ]
    assert story.of("iris") == [Chapter(2, came, (load_of("iris"),))]


def test_a_refusal_about_a_server_that_nobody_knows_is_not_written_down():
    story = Story()
    refused = AnswerCaller(1, NotFoundError("server", "big"))
    story.add(1, events.ServerUnloadRequested(1, "big", 1), [refused])
    assert story.of("big.server") == []


def test_a_model_is_named_in_the_stories_of_others():
    event = ModelReported(2, ModelReport(R0, "iris", 9, ReplicaModelEvent.UNLOADED))
    told = "mlserver/0 reports version 9 Unloaded"
    assert tell_event_of(event, "iris") == told
    assert tell_event_of(event, "p.pipeline") == f"model iris: {told}"
    assert tell_event_of(ReplicaLost(1, R0), "p.pipeline") == "replica mlserver/0 lost"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (events.ServerRestored(1, StoredServer("big")), "its server restored from the store"),
        (events.ServerDeclared(1, SERVER, 1, "a peer"), "server big declared by a peer"),
        (
            events.ServerUnloadRequested(1, "big", 1),
            "server big deleted by this process",
        ),
        (events.ServersNotified(1, (), False, 1, "a peer"), "a peer told of servers"),
        (events.ReplicaDrainRequested(1, R0, 1), "replica mlserver/0 is about to end"),
        (
            events.ServerConfigRestored(1, StoredServerConfig("common", CONFIG)),
            "a server config restored from the store",
        ),
        (
            events.ServerConfigDeclared(1, CONFIG, 1),
            "server config common declared by this process",
        ),
        (
            events.ServerConfigUnloadRequested(1, "common", 1, "a peer"),
            "server config common deleted by a peer",
        ),
    ],
    ids=lambda given: type(given).__name__ if not isinstance(given, str) else "",
)
def test_what_happens_to_servers_is_told_in_words(event, told):
    assert tell_event(event) == told


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (decided.RunServer(SERVER, 2), "run 2 of server big"),
        (decided.AskForReplicas("big", 3), "ask for 3 replicas of server big"),
        (decided.ConfigureServers(CONFIG), "servers are run by config common"),
        (decided.PublishServer("big"), None),
        (decided.PublishReplica(R0, None), "routers reach mlserver/0 no more"),
        (decided.PublishReplica(R0, THERE), "routers reach mlserver/0 at there:9000"),
    ],
    ids=lambda given: type(given).__name__ if hasattr(given, "__slots__") else "",
)
def test_what_is_decided_on_servers_is_told_in_words(decision, told):
    assert tell_decision(decision) == told
