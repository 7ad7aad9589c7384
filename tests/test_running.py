"""What processes of all roles have in common."""

import asyncio
import os
import socket

import psutil
import pytest

from seldon_core.config.load import load_settings
from seldon_core.config.values import is_loopback
from seldon_core.reloading import Reloadable
from seldon_core.router.waking import WakeLimits
from seldon_core.running import (
    EXTENSIONS,
    address_of,
    drain_all,
    follow_scaling,
    follow_waking,
    listener_settings,
    server_metadata,
    worker_count,
)


@pytest.mark.parametrize(
    ("has_scheduler", "has_agent", "missing"),
    [
        (True, True, set()),
        (False, True, {"model_repository", "model_repository(unload_dependents)"}),
        (True, False, {"trace"}),
    ],
    ids=["everything", "an agent", "a router with the scheduler"],
)
def test_a_process_names_the_extensions_that_its_roles_have(has_scheduler, has_agent, missing):
    said = server_metadata(has_scheduler=has_scheduler, has_agent=has_agent)
    assert said.name == "seldon-core"
    assert set(EXTENSIONS) - set(said.extensions) == missing


def test_the_listener_is_told_how_much_may_be_in_flight():
    flags = {"payload.inFlightBytes": "1Mi", "listener.headerCount": 7}
    settings = listener_settings(load_settings(None, {}, flags).settings)
    assert (settings.in_flight_bytes, settings.header_count) == (2**20, 7)


def test_one_cpu_is_left_to_the_data_path(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert worker_count(load_settings(None, {}, {}).settings.agent) == 3
    assert worker_count(load_settings(None, {}, {"agent.workers": 7}).settings.agent) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert worker_count(load_settings(None, {}, {}).settings.agent) == 1


def own_address():
    """An address of this machine that others may know, or its name if it has none."""
    found = [each for link in psutil.net_if_addrs().values() for each in link]
    known = (each.address for each in found if each.family is socket.AF_INET)
    return next((one for one in known if not is_loopback(one)), socket.gethostname())


OWN = own_address()


@pytest.mark.parametrize(
    ("flags", "host"),
    [
        ({}, "127.0.0.1"),
        ({"listener.host": "10.0.0.1"}, "10.0.0.1"),
        ({"listener.host": "0.0.0.0"}, socket.gethostname()),
        ({"listener.host": "0.0.0.0", "agent.host": "mine"}, "mine"),
        (
            {"listener.host": "0.0.0.0", "scheduler.host": "no.such.host.invalid"},
            socket.gethostname(),
        ),
        ({"listener.host": "0.0.0.0", "scheduler.host": OWN}, OWN),
    ],
    ids=["here", "an address", "all addresses", "as told", "unknown way", "known way"],
)
def test_routers_are_told_where_a_replica_is(flags, host):
    address = address_of(load_settings(None, {}, flags).settings, 7)
    assert (address.host, address.http_port, address.grpc_port) == (host, 7, 7)
    assert address.is_ours


def test_parts_follow_the_settings_of_scaling():
    reloadable, changed = Reloadable(), []

    class Part:
        limits = None

        def change(self, rules):
            changed.append(rules.lag)

    part = Part()
    follow_scaling(reloadable, part)
    follow_waking(reloadable, part)
    flags = {"scaling.lag": 7, "scaling.wakeQueue": 3, "scaling.wakeTimeoutS": 9}
    reloadable.take(load_settings(None, {}, flags).settings)
    assert changed == [7]
    assert part.limits == WakeLimits(9, 3)


class Port:
    """Requests that are under way for `rest_s`."""

    def __init__(self, rest_s):
        self.rest_s = rest_s
        self.left_s = None

    async def drain(self, timeout_s):
        self.left_s = timeout_s
        await asyncio.sleep(min(self.rest_s, timeout_s))


def test_ports_drain_together_so_that_each_has_all_the_time():
    ports = [Port(30), Port(0.001), Port(0.001)]
    asyncio.run(drain_all(ports, 0.02))
    assert [port.left_s for port in ports] == [0.02] * 3
