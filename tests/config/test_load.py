import json

import pytest

from seldon_core.config import load, sizes
from seldon_core.config.load import load_settings
from seldon_core.config.settings import show_settings
from seldon_core.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_without_anything_the_defaults_hold():
    loaded = load_settings(None, {"HOME": "/"}, {})
    assert loaded.settings.listener.host == "127.0.0.1"
    assert loaded.settings.listener.port == 9000
    assert loaded.notices == ()


def test_each_layer_stands_above_the_one_before(tmp_path):
    file = write(tmp_path, "listener: {port: 1}\nadmin: {port: 1}\nagent: {port: 1}\n")
    environ = {"SELDON_ADMIN__PORT": "2", "SELDON_AGENT__PORT": "2"}
    settings = load_settings(file, environ, {"agent.port": 3}).settings
    ports = (settings.scheduler, settings.listener, settings.admin, settings.agent)
    assert [group.port for group in ports] == [9004, 1, 2, 3]


def test_an_empty_file_changes_nothing(tmp_path):
    assert load_settings(write(tmp_path, ""), {}, {}) == load_settings(None, {}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("listener: {prot: 1}", "no setting 'listener.prot'; the nearest is 'listener.port'"),
        ("- 1", "wanted a table of groups"),
        ("listener: 9", "wanted a table of settings in 'listener', found 9"),
        ("a: [", "cannot be read"),
        ("a: 2026-13-45", "cannot be read"),
        ("a: !!timestamp yesterday", "cannot be read"),
        ("a: !!bool maybe", "cannot be read"),
        ("[" * 10_000, "cannot be read"),
        ("admin: {port: 99999}", "admin.port .from .*mine.yaml.: .*65535, found 99999"),
        ("log: {levels: {a: loud}}", "log.levels .* found 'loud'"),
    ],
    ids=[
        *("unknown", "list", "scalar group", "broken", "impossible date", "no time", "no boolean"),
        *("deep", "out of range", "inside a table"),
    ],
)
def test_a_wrong_file_is_refused_with_what_and_where(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(write(tmp_path, text), {}, {})


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read: No such file"):
        load_settings(tmp_path / "none.yaml", {}, {})


def test_an_unknown_flag_is_refused():
    with pytest.raises(ConfigError, match=r"--set log\.levle: .* nearest is 'log\.level'"):
        load_settings(None, {}, {"log.levle": "debug"})


def test_a_wrong_variable_is_named_in_the_error():
    with pytest.raises(ConfigError, match=r"log\.format \(from SELDON_LOG__FORMAT\)"):
        load_settings(None, {"SELDON_LOG__FORMAT": "xml"}, {})


@pytest.mark.parametrize(
    "variable",
    [
        "SELDON_INFER_HOST",
        "SELDON_SCHEDULE_HOST",
        "SELDON_KAFKA_BROKER",
        "SELDON_KAFKA_CONFIG_PATH",
        "SELDON_FORCE_CONTROL_PLANE",
    ],
)
def test_what_the_clients_read_is_not_remarked_on(variable):
    assert load_settings(None, {variable: "x"}, {}).notices == ()


def test_an_unknown_variable_of_ours_is_a_notice():
    notices = load_settings(None, {"SELDON_AGENT__MEMRY": "1"}, {}).notices
    assert notices == (
        "SELDON_AGENT__MEMRY is no known setting; the nearest is SELDON_AGENT__MEMORY",
    )


def test_a_service_link_of_kubernetes_is_ignored():
    loaded = load_settings(None, {"SELDON_AGENT__PORT": "tcp://10.0.0.1:9005"}, {})
    assert loaded.settings.agent.port == 9005
    assert loaded.notices == ()


def test_seldons_own_variables_are_honoured():
    environ = {"MEMORY_REQUEST": "1Mi", "SELDON_OVERCOMMIT_PERCENTAGE": "150"}
    loaded = load_settings(None, environ, {})
    assert loaded.settings.agent.memory == 2**20
    assert loaded.settings.agent.over_commit_percentage == 150
    assert loaded.notices == ()


def test_seldons_variables_for_scaling_are_honoured():
    environ = {
        "ENABLE_SERVER_AUTOSCALING": "false",
        "SELDON_MODEL_INACTIVE_SECONDS_THRESHOLD": "60",
        "SELDON_MODEL_INFERENCE_LAG_THRESHOLD": "7",
        "SELDON_SCALING_STATS_PERIOD_SECONDS": "5",
    }
    scaling = load_settings(None, environ, {}).settings.scaling
    assert not scaling.servers
    assert (scaling.inactivity_s, scaling.lag, scaling.period_s) == (60, 7, 5)


def test_a_pod_of_seldons_is_the_replica_that_it_would_be():
    environ = {
        "POD_NAME": "triton-a-2",
        "SELDON_SCHEDULER_HOST": "seldon-scheduler",
        "SELDON_SCHEDULER_PORT": "9105",
        "SELDON_SERVER_CAPABILITIES": "triton,onnx",
        "SELDON_SERVER_HTTP_PORT": "9001",
        "SELDON_METRICS_PORT": "9007",
        "SELDON_LOG_LEVEL": "warn",
    }
    settings = load_settings(None, environ, {}).settings
    assert (settings.agent.server_name, settings.agent.replica_idx) == ("triton-a", 2)
    assert (settings.scheduler.host, settings.agent.port) == ("seldon-scheduler", 9105)
    assert settings.agent.capabilities == ("triton", "onnx")
    assert (settings.listener.port, settings.admin.port) == (9001, 9007)
    assert settings.log.level == "warning"


@pytest.mark.parametrize(
    "environ",
    [{"POD_NAME": "web"}, {"SELDON_LOG_LEVEL": "", "MEMORY_REQUEST": ""}],
    ids=["a pod of somebody else's", "empty"],
)
def test_what_says_nothing_is_as_if_it_were_not_set(environ):
    assert load_settings(None, environ, {}) == load_settings(None, {}, {})


def test_a_variable_of_seldons_without_a_meaning_here_is_a_notice():
    notices = load_settings(None, {"SELDON_ENVOY_HOST": "seldon-mesh"}, {}).notices
    assert notices == (
        "SELDON_ENVOY_HOST has no effect here: there is no Envoy; routers serve listener.port",
    )


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "localhost"])
def test_the_control_plane_is_open_to_this_machine(host):
    assert load_settings(None, {}, {"control.host": host}).settings.control.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "scheduler.local"])
def test_the_control_plane_is_open_to_others_only_if_that_is_said(host):
    with pytest.raises(ConfigError, match=r"control\.host \(from the command line\): .* opens"):
        load_settings(None, {}, {"control.host": host})
    flags = {"control.host": host, "control.insecure": "true"}
    assert load_settings(None, {}, flags).settings.control.host == host


def test_with_mutual_tls_the_control_plane_may_be_open_to_others():
    flags = {"control.host": "0.0.0.0", "control.tls": "true"}
    with pytest.raises(ConfigError, match=r"mutual TLS \(control\.tls, control\.clientCaPath\)"):
        load_settings(None, {}, flags)
    flags["control.clientCaPath"] = "/ca.pem"
    assert load_settings(None, {}, flags).settings.control.host == "0.0.0.0"
    with pytest.raises(ConfigError, match=r"control\.host"):
        load_settings(None, {}, flags | {"control.tls": "false"})


def test_subjects_are_listed_only_where_certificates_are_asked_for():
    flags = {"control.agentSubjects": "CN=agent", "control.tls": "true"}
    with pytest.raises(
        ConfigError, match=r"control\.agentSubjects lists who may connect by a cert"
    ):
        load_settings(None, {}, flags)
    control = load_settings(None, {}, flags | {"control.clientCaPath": "/ca.pem"}).settings.control
    assert control.agent_subjects == ("CN=agent",)


@pytest.mark.parametrize(
    ("given", "missing"),
    [("serverCrtPath", "serverKeyPath"), ("clientKeyPath", "clientCrtPath")],
)
def test_half_of_a_certificate_and_its_key_is_refused(given, missing):
    wanted = rf"control\.{given} is 'x\.pem', and control\.{missing} is empty"
    with pytest.raises(ConfigError, match=wanted):
        load_settings(None, {}, {f"control.{given}": "x.pem"})


def test_seldon_s_variables_of_tls_are_understood():
    environ = {"CONTROL_PLANE_SECURITY_PROTOCOL": "SSL", "SELDON_SCHEDULER_PORT": "9005"}
    for side in ("SERVER", "CLIENT"):
        for file in ("CRT", "KEY", "CA"):
            environ[f"CONTROL_PLANE_{side}_TLS_{file}_LOCATION"] = f"/{side}/{file}"
    environ["SELDON_SCHEDULER_TLS_PORT"] = "9055"
    loaded = load_settings(None, environ, {})
    control = loaded.settings.control
    assert loaded.notices == ()
    assert control.tls
    assert (control.server_crt_path, control.client_ca_path) == ("/SERVER/CRT", "/CLIENT/CA")
    assert (control.server_key_path, control.client_key_path) == ("/SERVER/KEY", "/CLIENT/KEY")
    assert (control.server_ca_path, control.client_crt_path) == ("/SERVER/CA", "/CLIENT/CRT")
    assert loaded.settings.agent.port == 9055


def test_seldon_s_tls_port_counts_only_with_tls():
    environ = {"CONTROL_PLANE_SECURITY_PROTOCOL": "PLAINTEXT", "SELDON_SCHEDULER_TLS_PORT": "9055"}
    loaded = load_settings(None, environ, {})
    assert (loaded.settings.agent.port, loaded.settings.control.tls) == (9005, False)
    assert loaded.notices == ()


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ConfigError, match=r"control\.tls .*wanted true or false, found 'mTLS'"):
        load_settings(None, {"CONTROL_PLANE_SECURITY_PROTOCOL": "mTLS"}, {})


def test_certificates_in_secrets_of_kubernetes_are_a_notice():
    (notice,) = load_settings(None, {"CONTROL_PLANE_SERVER_TLS_SECRET_NAME": "x"}, {}).notices
    assert "certificates are files" in notice


def test_settings_are_passed_on_as_a_file(tmp_path):
    flags = {"agent.trustedPrefixes": "/a,/b", "log.levels": "seldon_core.agent=debug"}
    settings = load_settings(None, {}, flags).settings
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(show_settings(settings)))
    assert load_settings(file, {}, {}).settings == settings


def test_our_variable_wins_over_seldons_and_says_so():
    environ = {"SELDON_AGENT__MEMORY": "2Mi", "MEMORY_REQUEST": "1Mi"}
    loaded = load_settings(None, environ, {})
    assert loaded.settings.agent.memory == 2**21
    assert loaded.notices == ("MEMORY_REQUEST is ignored: SELDON_AGENT__MEMORY is set as well",)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"listener.jsonBytes": "2Mi", "listener.bodyBytes": "1Mi"},
            (
                "listener.jsonBytes (from the command line): '2Mi' is more than "
                "listener.bodyBytes, 1048576 bytes, of which it is a part"
            ),
        ),
        (
            {"payload.inFlightBytes": "1"},
            (
                "payload.inFlightBytes (from the command line): '1' is less than "
                "listener.headerBytes, 65536 bytes, which one request may have before its body"
            ),
        ),
        (
            {"payload.inFlightBytes": "300%", "agent.memory": "1Gi"},
            (
                "payload.inFlightBytes (from the command line): '300%' is more than the 4294967296 "
                "bytes that this process may use, of which agent.memory takes 1073741824"
            ),
        ),
    ],
    ids=["JSON above bodies", "no room for a head", "more than there is"],
)
def test_limits_that_contradict_each_other_are_refused(flags, message, monkeypatch):
    for module in (load, sizes):
        monkeypatch.setattr(module, "memory_limit", lambda: 4 << 30)
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, flags)
    assert str(caught.value) == message


def test_the_default_for_json_gives_way_to_a_smaller_limit_of_bodies():
    assert load_settings(None, {}, {"listener.bodyBytes": "1Mi"}).settings.listener.body_bytes
