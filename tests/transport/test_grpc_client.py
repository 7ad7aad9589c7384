from pathlib import Path

import grpc
import pytest

from seldon_core.errors import ConfigError, UpstreamError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.transport.endpoints import ClientTls, Endpoint
from seldon_core.transport.grpc_client import open_grpc
from tests.support.certificates import make_certificates
from tests.support.scheduler_peer import inference_peer

ASKED = pb.ModelInferRequest(model_name="iris")


def echo(request, context):
    """Answer by the model's name, with the metadata that came."""
    metadata = context.invocation_metadata()
    context.send_initial_metadata(
        [(f"got-{key}", value) for key, value in metadata if key.startswith(("x-", "seldon-"))]
    )
    context.set_trailing_metadata([("checked-bin", b"\xff")])
    return pb.ModelInferResponse(model_name=request.model_name, id=context.peer())


def test_a_good_call_has_its_response_headers_and_trailers():
    with inference_peer(echo) as address, open_grpc(Endpoint(address)) as client:
        reply = client.infer(ASKED, [("Seldon-Model", "iris"), ("x-r", "a"), ("x-r", "b")])
    assert client.host == address
    assert (reply.code, reply.error) == (0, None)
    assert reply.response is not None
    assert reply.response.model_name == "iris"
    assert reply.values("got-seldon-model") == ["iris"]
    assert reply.values("got-x-r") == ["a", "b"]
    assert ("checked-bin", "\xff") in reply.trailers


def test_binary_metadata_is_sent_as_bytes():
    def read(request, context):
        (value,) = [value for key, value in context.invocation_metadata() if key == "my-bin"]
        assert value == b"text"
        return pb.ModelInferResponse()

    with inference_peer(read) as address, open_grpc(Endpoint(address)) as client:
        assert client.infer(ASKED, [("my-bin", "text")]).code == 0


def test_a_refusal_is_told_as_gos_clients_write_it():
    def refuse(request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "model 'iris' not found")

    with inference_peer(refuse) as address, open_grpc(Endpoint(address)) as client:
        reply = client.infer(ASKED, [])
    assert reply.response is None
    assert reply.code == 5
    assert str(reply.error) == "rpc error: code = NotFound desc = model 'iris' not found"


def test_metadata_that_http2_does_not_allow_is_refused():
    with inference_peer(echo) as address, open_grpc(Endpoint(address)) as client:
        reply = client.infer(ASKED, [("a header", "x")])
    assert reply.code == 13


def test_nobody_there_is_said_before_anything_is_sent():
    with inference_peer(echo) as address:
        pass
    with (
        pytest.raises(UpstreamError, match=f"cannot reach {address}"),
        open_grpc(Endpoint(address)),
    ):
        pass


def test_the_authority_is_said_instead_of_the_address():
    def read(request, context):
        return pb.ModelInferResponse(id=dict(context.invocation_metadata()).get("authority", ""))

    with inference_peer(read) as address, open_grpc(Endpoint(address, "a.example")) as client:
        assert client.host == "a.example"
        assert client.infer(ASKED, []).code == 0


@pytest.fixture
def files(tmp_path):
    return make_certificates(tmp_path)


def credentials(files, shown="server", *, asks_client=False):
    pair = (
        Path(getattr(files, f"{shown}_key")).read_bytes(),
        Path(getattr(files, shown)).read_bytes(),
    )
    authority = Path(files.ca).read_bytes() if asks_client else None
    return grpc.ssl_server_credentials([pair], authority, asks_client)


def test_tls_is_spoken_with_a_trusted_server(files):
    with inference_peer(echo, credentials(files)) as address:
        with open_grpc(Endpoint(address, tls=ClientTls(files.ca))) as client:
            assert client.infer(ASKED, []).code == 0
        other = ClientTls(files.client)
        with open_grpc(Endpoint(address, tls=other)) as client:
            assert "Unavailable" in str(client.infer(ASKED, []).error)


@pytest.mark.parametrize("asks_client", [False, True], ids=["server only", "both sides"])
@pytest.mark.parametrize("shown", ["server", "client"], ids=["other name", "common name only"])
def test_without_verification_any_server_is_trusted(files, asks_client, shown):
    pair = (files.client, files.client_key) if asks_client else ("", "")
    tls = ClientTls("", *pair, verify=False)
    with (
        inference_peer(echo, credentials(files, shown, asks_client=asks_client)) as address,
        open_grpc(Endpoint(address, tls=tls)) as client,
    ):
        assert client.infer(ASKED, []).error is None


def test_a_server_without_tls_is_said_so():
    tls = ClientTls(verify=False)
    with (
        inference_peer(echo) as address,
        pytest.raises(UpstreamError, match=f"{address} cannot be spoken to by TLS"),
        open_grpc(Endpoint(address, tls=tls)),
    ):
        pass


def test_a_missing_file_is_named(tmp_path):
    tls = ClientTls(str(tmp_path / "ca.pem"))
    with (
        inference_peer(echo) as address,
        pytest.raises(ConfigError, match=r"ca.pem cannot be read"),
        open_grpc(Endpoint(address, tls=tls)),
    ):
        pass
