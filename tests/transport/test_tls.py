"""Files of TLS, and what is wrong with them."""

from dataclasses import replace
from pathlib import Path

import pytest

from seldon_core.config.load import load_settings
from seldon_core.errors import ConfigError
from seldon_core.transport.endpoints import ClientTls
from seldon_core.transport.tls import (
    DialTls,
    ServerKeys,
    ServerTls,
    admin_keys,
    dial_tls,
    server_keys,
)
from tests.support.certificates import make_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def control_of(**flags):
    given = {f"control.{name}": value for name, value in flags.items()}
    return load_settings(None, {}, given).settings.control


def test_a_missing_file_is_named(certificates, tmp_path):
    missing = str(tmp_path / "none.pem")
    with pytest.raises(ConfigError, match=f"^{missing} cannot be read: No such file"):
        ServerKeys(ServerTls(certificates.server, missing))


def test_a_key_of_another_certificate_is_refused(certificates):
    with pytest.raises(ConfigError, match="are no certificate and its key: KEY_VALUES_MISMATCH"):
        ServerKeys(ServerTls(certificates.server, certificates.client_key))


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_phrase(certificates, tmp_path):
    encrypted = tmp_path / "encrypted.key"
    make_encrypted(certificates.server_key, encrypted)
    with pytest.raises(ConfigError, match="the key is encrypted"):
        ServerKeys(ServerTls(certificates.server, str(encrypted)))


def make_encrypted(key, to):
    import subprocess

    command = ["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", str(to)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("text", ["", "no certificate"], ids=["empty", "text"])
def test_an_authority_without_certificates_is_refused(certificates, tmp_path, text):
    authority = tmp_path / "ca.pem"
    authority.write_text(text)
    tls = ServerTls(certificates.server, certificates.server_key, str(authority))
    with pytest.raises(ConfigError, match="holds no certificates"):
        ServerKeys(tls)


def test_files_that_became_bad_leave_the_old_certificate(certificates, tmp_path):
    crt = tmp_path / "server.pem"
    crt.write_bytes(Path(certificates.server).read_bytes())
    keys = ServerKeys(ServerTls(str(crt), certificates.server_key))
    before = keys.context
    crt.write_text("half a cert")
    with pytest.raises(ConfigError):
        keys.reload()
    assert keys.context is before
    crt.write_bytes(Path(certificates.server).read_bytes())
    keys.reload()
    assert keys.context is not before


def test_without_tls_there_are_no_keys():
    control = control_of()
    assert server_keys(control) is None
    assert dial_tls(control) is None


def test_tls_without_a_certificate_is_refused():
    with pytest.raises(ConfigError, match=r"control.serverCrtPath is empty: give the certificate"):
        server_keys(control_of(tls="true"))


def test_clients_show_the_server_s_certificate_if_they_have_none(certificates):
    control = control_of(
        tls=True, serverCrtPath="s.pem", serverKeyPath="s.key", serverCaPath="ca", serverName="n"
    )
    assert dial_tls(control) == DialTls(ClientTls("ca", "s.pem", "s.key"), "n")
    control = replace(control, client_crt_path="c.pem", client_key_path="c.key")
    assert dial_tls(control) == DialTls(ClientTls("ca", "c.pem", "c.key"), "n")


def test_the_admin_port_speaks_tls_only_where_others_reach_it(certificates):
    control = control_of(
        host="0.0.0.0",
        tls=True,
        serverCrtPath=certificates.server,
        serverKeyPath=certificates.server_key,
        clientCaPath=certificates.ca,
    )
    keys = server_keys(control)
    assert admin_keys(control, keys) is keys
    assert admin_keys(control) is not None
    assert admin_keys(replace(control, insecure=True), keys) is None
    assert admin_keys(replace(control, host="127.0.0.1"), keys) is None
