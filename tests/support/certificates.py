"""Certificates for tests of TLS, made on the spot by openssl so that none ever runs out."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: an authority, and a server and a client that it vouches for."""

    ca: str
    server_key: str
    server: str
    client_key: str
    client: str


def make_certificates(folder: Path) -> Certificates:
    """Write the files to `folder`; the server's is for localhost and 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there are no certificates to test with")
    # Curves, because an RSA key takes a second.
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    by_ca = ["-CA", "ca.pem", "-CAkey", "ca.key"]
    for name, options in (
        ("ca", []),
        ("server", [*by_ca, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]),
        ("client", by_ca),
    ):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2"]
        command = ["openssl", *new, *files, "-subj", f"/CN=test {name}", *options]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return Certificates(
        ca=str(folder / "ca.pem"),
        server_key=str(folder / "server.key"),
        server=str(folder / "server.pem"),
        client_key=str(folder / "client.key"),
        client=str(folder / "client.pem"),
    )


def make_expired(folder: Path) -> tuple[str, str]:
    """Write a certificate, and its key, that the authority of `folder` vouched for till yesterday.

    It is for localhost and 127.0.0.1.
    """
    new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    named = ["-subj", "/CN=test old", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    wanted = [*new, *named, "-keyout", "old.key", "-out", "old.csr"]
    by_ca = ["-CA", "ca.pem", "-CAkey", "ca.key", "-copy_extensions", "copy"]
    given = ["x509", "-req", "-in", "old.csr", *by_ca, "-days", "-1", "-out", "old.pem"]
    for command in (wanted, given):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return str(folder / "old.pem"), str(folder / "old.key")


def renew_server(folder: Path) -> None:
    """Write another certificate of the server to `folder`, for the key that is there."""
    new = ["req", "-x509", "-key", "server.key", "-out", "server.pem", "-days", "2"]
    by_ca = ["-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=test server"]
    named = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", *new, *by_ca, *named], cwd=folder, check=True, capture_output=True)
