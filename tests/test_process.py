"""A process as a whole, over a router and a scheduler that obey."""

import asyncio
from typing import Any

from seldon_core import __version__
from seldon_core.errors import NotReadyError
from seldon_core.process import Process
from seldon_core.protocol.inference import ModelMetadata
from seldon_core.resources.model import FoundModels, ModelSpec, RefusedModel
from seldon_core.running import EXTENSIONS
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import RouteUpdate
from tests.support.diary import Diary
from tests.support.scheduler_worlds import a_status


def test_the_process_is_not_ready_before_its_models_are():
    process = process_of(None, [ModelSpec("iris", "/iris")], None)
    assert process.live()
    assert not process.ready()
    assert process.not_ready() == ["model iris is loading"]


def process_of(router: Any, specs: Any, diary: Any) -> Any:
    """A process of fakes."""
    return Process(router, FoundModels(specs), diary)


def test_a_process_waits_for_what_it_served_last_time():
    process = process_of(None, [], None)
    process.expect(["iris"])
    assert process.not_ready() == ["model iris is loading"]


def test_a_process_says_what_it_is_and_can():
    said = process_of(None, [], None).metadata()
    assert (said.name, said.version, said.extensions) == ("seldon-core", __version__, EXTENSIONS)


def test_models_are_shown_with_their_replicas_and_those_that_were_refused_last():
    refused = [RefusedModel("/x.yaml", "no YAML", "rose")]
    process: Any = Process(None, FoundModels((), refused), None)
    process.attach(
        QuietScheduler(
            a_status("iris", ModelState.AVAILABLE), a_status("gone", ModelState.TERMINATED)
        )
    )
    iris, rose = process.status()
    assert (iris["name"], iris["state"], iris["reason"]) == ("iris", "ModelAvailable", "")
    assert (iris["version"], iris["replicas"], iris["desiredReplicas"]) == (1, ["mlserver/0"], 1)
    assert (rose["name"], rose["version"], rose["state"]) == ("rose", 0, "Refused")
    assert (rose["reason"], rose["source"]) == ("no YAML", "/x.yaml")


def test_what_was_refused_and_is_there_by_now_is_shown_once():
    refused = [RefusedModel("/rose", "two files", "rose"), RefusedModel("/x", "twice", "iris")]
    found = FoundModels([ModelSpec("iris", "/iris")], refused)
    process: Any = Process(None, found, None)
    process.attach(
        QuietScheduler(
            a_status("iris", ModelState.AVAILABLE), a_status("rose", ModelState.AVAILABLE)
        )
    )
    rows = [(row["name"], row["state"]) for row in process.status()]
    assert rows == [("iris", "ModelAvailable"), ("rose", "ModelAvailable"), ("iris", "Refused")]


class QuietScheduler:
    """Settles every model without publishing anything for it."""

    def __init__(self, *models):
        self._models = {model.name: model for model in models}

    def sync(self, patience_s):
        pass

    def load_model(self, spec, from_folder):
        assert from_folder
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(None)
        return answer

    async def settled(self, names):
        pass

    def model(self, name):
        return self._models[name]

    def models(self):
        return list(self._models.values())


def test_a_model_that_settles_without_a_route_is_reported_too():
    router, diary = Router(), Diary()
    process = process_of(router, [ModelSpec("iris", "/iris")], diary)
    process.attach(QuietScheduler(a_status("iris", ModelState.FAILED, "broken")))
    asyncio.run(process.begin())
    assert diary.entries == ["iris ModelFailed", "loaded 1"]
    assert process.ready()


def test_a_model_that_is_tried_again_by_then_keeps_nobody_from_being_ready():
    process = process_of(Router(), [ModelSpec("iris", "/iris")], Diary())
    process.attach(QuietScheduler(a_status("iris", ModelState.PROGRESSING, "trying again")))
    asyncio.run(process.begin())
    assert process.ready()


def test_a_deleted_model_that_a_folder_declares_again_is_waited_for():
    process = process_of(Router(), [ModelSpec("iris", "/iris")], Diary())
    process.attach(QuietScheduler(a_status("iris", ModelState.TERMINATED)))
    process.publish(RouteUpdate("iris"))  # of what was kept
    assert process.not_ready() == ["model iris is loading"]


def test_a_model_that_stands_otherwise_than_its_folder_says_is_waited_for():
    class Refusing(QuietScheduler):
        def load_model(self, spec, from_folder):
            answer = asyncio.get_running_loop().create_future()
            answer.set_exception(NotReadyError("declared otherwise since"))
            return answer

        async def settled(self, names):
            self.awaited = set(names)

    process = process_of(Router(), [ModelSpec("iris", "/iris")], Diary())
    scheduler = Refusing(a_status("iris", ModelState.PROGRESSING))
    process.attach(scheduler)
    asyncio.run(process.begin())
    assert scheduler.awaited == {"iris"}


def test_an_example_that_cannot_be_called_is_passed_over():
    class Fickle(Router):
        async def metadata(self, call):
            if call.model == "iris":
                raise NotReadyError("model iris is loading")
            return ModelMetadata(call.model, "onnx", (), ())

    def load(*names):
        diary = Diary()
        process = process_of(Fickle(), [ModelSpec(name, "/m") for name in names], diary)
        process.attach(QuietScheduler(*(a_status(name, ModelState.AVAILABLE) for name in names)))
        asyncio.run(process.begin())
        return diary.example

    assert load("iris", "wine").name == "wine"
    assert load("iris") is None


def test_every_route_reaches_the_router_also_of_models_nobody_waits_for():
    router = Router()
    process_of(router, [], Diary()).publish(RouteUpdate("other"))
    assert router.published == [RouteUpdate("other")]


class Router:
    def __init__(self):
        self.published = []

    def publish(self, update):
        self.published.append(update)


def test_a_process_that_drains_is_not_ready():
    class Idle:
        async def drain(self, timeout_s):
            assert timeout_s == 5

    process = process_of(None, [], None)
    assert process.ready()
    process.listener, process.inside = Idle(), Idle()
    asyncio.run(process.drain(5))
    assert not process.ready()
    assert process.not_ready() == ["the process is stopping"]
