"""What becomes of declared server configs."""

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerConfigSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    ConfigureServers,
    Drop,
    Save,
    model_of,
)
from seldon_core.scheduler.events import (
    ServerConfigDeclared,
    ServerConfigRestored,
    ServerConfigUnloadRequested,
    restored_event,
)
from seldon_core.scheduler.events import model_of as model_of_event
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind, StoredServerConfig
from seldon_core.scheduler.store_records import decode_record, encode_record, record_key
from seldon_core.scheduler.story import subjects_of, tell_decision, tell_event

BIG = ServerConfigSpec("big", ("a",), 5, 10, "/p", {"A": "b"}, "e", 2, {"zone": "a"})


def test_a_config_is_kept_answered_and_then_followed():
    machine = SchedulerMachine()
    assert machine.handle(ServerConfigDeclared(1, BIG, 7)) == [
        Save(StoredServerConfig("big", BIG)),
        AnswerCaller(7, change=Change.CREATED),
        ConfigureServers(BIG),
    ]
    assert machine.server_configs() == [BIG]
    same = machine.handle(ServerConfigDeclared(2, BIG, 8))
    assert same == [AnswerCaller(8, change=Change.UNCHANGED)]
    other = ServerConfigSpec("big", memory_bytes=6)
    assert machine.handle(ServerConfigDeclared(3, other, 9))[1:] == [
        AnswerCaller(9, change=Change.CONFIGURED),
        ConfigureServers(other),
    ]


def test_a_config_of_another_namespace_is_refused():
    machine = SchedulerMachine()
    machine.handle(ServerConfigDeclared(1, BIG, 7))
    there = ServerConfigSpec("big", meta=KubernetesMeta("mesh"))
    (answer,) = machine.handle(ServerConfigDeclared(1, there, 8))
    assert isinstance(answer, AnswerCaller)
    assert isinstance(answer.error, InvalidResourceError)
    assert machine.server_configs() == [BIG]


def test_a_deleted_config_is_as_if_nobody_had_declared_it():
    machine = SchedulerMachine()
    machine.handle(ServerConfigDeclared(1, BIG, 7))
    assert machine.handle(ServerConfigUnloadRequested(2, "big", 8)) == [
        Drop(Kind.SERVER_CONFIG, "big"),
        AnswerCaller(8, change=Change.DELETED),
        ConfigureServers(ServerConfigSpec("big")),
    ]
    (answer,) = machine.handle(ServerConfigUnloadRequested(3, "big", 9))
    assert isinstance(answer, AnswerCaller)
    assert isinstance(answer.error, NotFoundError)


def test_a_kept_config_comes_back():
    machine = SchedulerMachine()
    event = restored_event(1, StoredServerConfig("big", BIG))
    assert machine.handle(event) == [ConfigureServers(BIG)]
    assert machine.server_configs() == [BIG]


def test_a_config_is_written_down_and_read_back():
    stored = StoredServerConfig("big", BIG)
    key = record_key(stored)
    assert key == b"serverconfig/default/big"
    order, read = decode_record(key, encode_record(key, 3, stored))
    assert order == 3
    assert isinstance(read, StoredServerConfig)
    assert (read.name, dict(read.spec.labels)) == ("big", {"zone": "a"})
    assert list(read.spec.capabilities) == ["a"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            ServerConfigRestored(1, StoredServerConfig("big", BIG)),
            "a server config restored from the store",
        ),
        (ServerConfigDeclared(1, BIG, 2, "me"), "server config big declared by me"),
        (ServerConfigUnloadRequested(1, "big", 2), "server config big deleted by this process"),
    ],
    ids=["restored", "declared", "deleted"],
)
def test_the_story_tells_of_it(event, words):
    assert tell_event(event) == words
    assert model_of_event(event) is None
    assert subjects_of(event) == ("big.serverconfig",)
    assert model_of(ConfigureServers(BIG)) == "big.serverconfig"
    assert tell_decision(ConfigureServers(BIG)) == "servers are run by config big"
