import socket
import ssl

import pytest

from seldon_core.errors import ConfigError, UpstreamError
from seldon_core.transport.endpoints import ClientTls, Endpoint, reach
from tests.support.certificates import make_certificates


@pytest.mark.parametrize(
    ("address", "host_port"),
    [
        ("localhost:9000", ("localhost", 9000)),
        ("[::1]:9000", ("::1", 9000)),
        ("[::1]", ("::1", 80)),
        ("seldon.example.com", ("seldon.example.com", 80)),
    ],
    ids=["name", "IPv6", "IPv6 without a port", "without a port"],
)
def test_an_address_is_host_and_port(address, host_port):
    assert Endpoint(address).host_port == host_port


def test_without_a_port_tls_is_443():
    assert Endpoint("a.example", tls=ClientTls()).host_port == ("a.example", 443)


@pytest.mark.parametrize(
    "address",
    ["", ":9000", "a:b", "a:0", "a:70000", "http://a:9000", "::1:9000", "[::1]x:1"],
    ids=["empty", "no host", "word", "zero", "large", "URL", "bare IPv6", "text behind IPv6"],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="is no address"):
        _ = Endpoint(address).host_port


def test_of_a_url_it_is_said_what_to_leave_out():
    with pytest.raises(ConfigError, match=r"'http://a:9000' .* leave out what is before ://"):
        _ = Endpoint("http://a:9000").host_port


def test_where_nobody_is_the_port_that_was_tried_is_named():
    assert "cannot reach a.example:80: " in str(Endpoint("a.example").unreachable(OSError()))
    assert "cannot reach [::1]:9: " in str(Endpoint("[::1]:9").unreachable(OSError()))


def test_nobody_there_is_a_sentence_with_the_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        reach(Endpoint(address))
    with pytest.raises(UpstreamError, match=rf"cannot reach {address}: Connection refused; start "):
        reach(Endpoint(address))


def test_an_error_without_words_is_no_answer():
    assert "a:1: no answer; start" in str(Endpoint("a:1").unreachable(OSError()))


def test_without_tls_there_is_no_context():
    assert Endpoint("a:1").tls_context() is None


def test_the_files_of_tls_are_used(tmp_path):
    files = make_certificates(tmp_path)
    tls = ClientTls(files.ca, files.client, files.client_key)
    context = Endpoint("a:1", tls=tls).tls_context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_without_verification_any_certificate_is_taken():
    context = Endpoint("a:1", tls=ClientTls(verify=False)).tls_context()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    ("ca", "certificate", "key", "words"),
    [
        ("missing", "", "", "missing cannot be read: No such file"),
        ("text", "", "", "text holds no certificates"),
        ("", "text", "", "needs both crtPath and keyPath; found"),
        ("", "missing", "text", "missing cannot be read"),
        ("", "text", "text", "are no certificate and its key"),
    ],
    ids=["no CA", "CA of text", "no key", "no certificate", "pair of text"],
)
def test_a_wrong_file_is_named(tmp_path, ca, certificate, key, words):
    (tmp_path / "text").write_text("hello")
    paths = [str(tmp_path / name) if name else "" for name in (ca, certificate, key)]
    with pytest.raises(ConfigError, match=words):
        Endpoint("a:1", tls=ClientTls(*paths)).tls_context()
