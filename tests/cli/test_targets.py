import json

import pytest

from seldon_core.cli.configs import Index, write_index
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.targets import inference_endpoint, scheduler_endpoint
from seldon_core.transport.endpoints import ClientTls, Endpoint

ENVIRON = {"SELDON_INFER_HOST": "env:1", "SELDON_SCHEDULE_HOST": "env:2"}
FILES = {"keyPath": "/k", "crtPath": "/c", "caPath": "/a"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def use(home):
    def write(**blocks):
        (home / "c.json").write_text(json.dumps(blocks))
        write_index(Index({"c": str(home / "c.json")}, "c"))

    return write


def test_the_flag_goes_before_the_config_the_environment_and_the_default(use):
    assert scheduler_endpoint(ControlOptions(), {}).address == "0.0.0.0:9004"
    assert inference_endpoint(None, "", {}).address == "0.0.0.0:9000"
    assert scheduler_endpoint(ControlOptions(), ENVIRON).address == "env:2"
    assert inference_endpoint(None, "", ENVIRON).address == "env:1"
    use(dataplane={"inferHost": "config:1"}, controlplane={"schedulerHost": "config:2"})
    assert scheduler_endpoint(ControlOptions(), ENVIRON).address == "config:2"
    assert inference_endpoint(None, "", ENVIRON).address == "config:1"
    assert scheduler_endpoint(ControlOptions("flag:2"), ENVIRON).address == "flag:2"
    assert inference_endpoint("flag:1", "", ENVIRON).address == "flag:1"


def test_the_authority_is_passed_on():
    assert scheduler_endpoint(ControlOptions(authority="a"), {}).authority == "a"
    assert inference_endpoint(None, "a", {}) == Endpoint("0.0.0.0:9000", "a")


@pytest.mark.parametrize(
    ("block", "tls"),
    [
        ({"tls": True, "skipSSLVerify": True, **FILES}, ClientTls("/a", "/c", "/k", verify=False)),
        ({"tls": True}, ClientTls()),
        (FILES, None),
    ],
    ids=["everything", "switch only", "files only"],
)
def test_inference_speaks_tls_if_the_config_switches_it_on(use, block, tls):
    use(dataplane=block)
    assert inference_endpoint(None, "", {}).tls == tls


@pytest.mark.parametrize(
    ("block", "tls"),
    [
        (FILES, ClientTls("/a", "/c", "/k")),
        ({"tls": True, "caPath": "/a"}, ClientTls("/a")),
        ({"caPath": "a"}, None),
    ],
    ids=["a key", "switch", "neither"],
)
def test_the_scheduler_is_spoken_to_by_tls_with_a_key_or_the_switch(use, block, tls):
    use(controlplane=block)
    assert scheduler_endpoint(ControlOptions(), {}).tls == tls


def test_a_relative_path_is_meant_from_the_configs_folder(use, home):
    use(controlplane={"tls": True, "caPath": "a"}, dataplane={"tls": True, "caPath": "b"})
    assert scheduler_endpoint(ControlOptions(), {}).tls == ClientTls(f"{home}/a")
    assert inference_endpoint(None, "", {}).tls == ClientTls(f"{home}/b")


@pytest.mark.parametrize("protocol", ["SSL", "ssl"])
def test_seldons_variables_make_the_scheduler_spoken_to_by_tls(protocol):
    environ = {
        "CONTROL_PLANE_SECURITY_PROTOCOL": protocol,
        "CONTROL_PLANE_SERVER_TLS_CA_LOCATION": "/ca",
        "CONTROL_PLANE_CLIENT_TLS_CRT_LOCATION": "/crt",
        "CONTROL_PLANE_CLIENT_TLS_KEY_LOCATION": "/key",
    }
    tls = scheduler_endpoint(ControlOptions(), environ).tls
    assert tls == ClientTls("/ca", "/crt", "/key")


def test_the_config_in_use_goes_before_seldons_variables_of_tls(use):
    use(controlplane={"tls": True, "caPath": "/of/config"})
    tls = scheduler_endpoint(ControlOptions(), {"CONTROL_PLANE_SECURITY_PROTOCOL": "SSL"}).tls
    assert tls == ClientTls("/of/config")
