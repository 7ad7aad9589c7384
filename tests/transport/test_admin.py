import asyncio
import logging
import socket

import aiohttp
import grpc
import pytest

from seldon_core.config.settings import AdminSettings
from seldon_core.errors import ConfigError
from seldon_core.observability.logs import levels
from seldon_core.observability.metrics import Metrics
from seldon_core.transport.admin import open_admin


class State:
    def __init__(self, *not_ready):
        self._not_ready = not_ready

    def not_ready(self):
        return self._not_ready

    def status(self):
        return [{"name": "iris", "state": "Available"}]


@pytest.fixture(autouse=True)
def _levels_as_before():
    yield
    for name in levels():
        logging.getLogger(name).setLevel(logging.NOTSET)


def ask(path, method="GET", state=None, host="127.0.0.1", **options):
    async def scenario():
        settings = AdminSettings(port=0)
        async with (
            open_admin(settings, Metrics(), state or State(), host) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
            client.request(method, path, **options) as answer,
        ):
            return answer.status, await answer.text()

    return asyncio.run(scenario())


def test_metrics_are_shown():
    status, text = ask("/metrics")
    assert status == 200
    assert "seldon_internal_errors_total 0" in text


def test_the_process_is_live():
    assert ask("/livez") == (200, "live\n")


def test_a_ready_process_says_so():
    assert ask("/readyz") == (200, "ready\n")


def test_what_is_not_ready_is_named():
    state = State("model iris is loading", "model add10 is loading")
    assert ask("/readyz", state=state) == (503, "model iris is loading\nmodel add10 is loading\n")


def test_the_models_are_listed():
    assert ask("/status") == (200, '{"models": [{"name": "iris", "state": "Available"}]}')


def test_the_case_of_a_level_does_not_matter():
    assert ask("/log/levels", "PUT", json={"seldon_core.transport": "DeBug"})[0] == 200
    assert logging.getLogger("seldon_core.transport").level == logging.DEBUG


def test_log_levels_change_and_are_shown():
    change = {"seldon_core.transport": "debug"}
    assert ask("/log/levels", "PUT", json=change) == (200, '{"seldon_core.transport": "debug"}')
    assert ask("/log/levels") == (200, '{"seldon_core.transport": "debug"}')
    assert logging.getLogger("seldon_core.transport.pool").isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "no JSON"),
        ("[]", "wanted levels by component"),
        ('{"seldon_core": 1}', "wanted levels by component"),
        ('{"seldon_core": "loud"}', "wanted a log level"),
        ('{"seldon_core.transport.admin": null}', r"null is no level; \"\" resets seldon_core.tra"),
        ('{"seldon_core.transport.admn": "info"}', "the nearest name is 'seldon_core.transport.ad"),
        ('{"": "info"}', "there is no component ''"),
        ('{"asyncio": "info"}', "wanted a component of seldon_core"),
        (b"\xff", "no JSON"),
        ("[" * 10_000, "no JSON"),
    ],
    ids=[
        "broken",
        "list",
        "number",
        "unknown level",
        "null",
        "unknown component",
        "no component",
        "component of another",
        "no text",
        "deep",
    ],
)
def test_wrong_log_levels_are_refused(body, message):
    status, text = ask("/log/levels", "PUT", data=body)
    assert status == 400
    assert message in text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:9006"},
        {"Host": "[broken"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=["rebound name", "broken name", "foreign page", "page without origin"],
)
def test_a_request_from_elsewhere_is_refused_with_the_reason(headers):
    status, text = ask("/livez", headers=headers)
    assert status == 403
    assert "answers only to this machine" in text


@pytest.mark.parametrize("host", ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:9006"])
def test_every_name_of_this_machine_is_accepted(host):
    status, _ = ask("/livez", headers={"Host": host, "Origin": f"http://{host}"})
    assert status == 200


def test_a_taken_port_is_named():
    async def scenario(port):
        async with open_admin(AdminSettings(port=port), Metrics(), State()):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^admin\.port: .* port {port}: it is in use"):
            asyncio.run(scenario(port))


def test_an_unknown_path_is_refused_with_those_there_are():
    status, text = ask("/metrics/all")
    assert status == 404
    assert "there is no /metrics/all; there are /metrics, /livez" in text


def test_a_wrong_method_is_refused_with_the_right_ones():
    async def scenario():
        async with (
            open_admin(AdminSettings(port=0), Metrics(), State()) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
            client.delete("/log/levels") as answer,
        ):
            return answer.status, answer.headers["allow"]

    assert asyncio.run(scenario()) == (405, "GET, PUT")


def test_a_query_changes_nothing_and_head_has_no_body():
    assert ask("/livez?verbose") == (200, "live\n")
    assert ask("/livez", "HEAD") == (200, "")


class BrokenState(State):
    def status(self):
        raise ValueError("a bug")


def test_a_bug_is_logged_and_answered(caplog):
    assert ask("/status", state=BrokenState()) == (500, '{"error": "internal error"}')
    assert "an admin request failed by a bug" in caplog.text


def test_a_grpc_call_is_refused():
    async def scenario():
        async with (
            open_admin(AdminSettings(port=0), Metrics(), State()) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            call = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(b"", timeout=5)
            return refused.value.code()

    assert asyncio.run(scenario()) is grpc.StatusCode.UNIMPLEMENTED


def test_one_that_is_open_to_the_network_answers_to_any_name_but_to_no_foreign_page():
    named = {"Host": "scheduler.example:9006"}
    status, _ = ask("/livez", host="0.0.0.0", headers=named)
    assert status == 200
    page = {**named, "Origin": "http://evil.example"}
    status, text = ask("/livez", host="0.0.0.0", headers=page)
    assert (status, "Origin is 'http://evil.example'" in text) == (403, True)
