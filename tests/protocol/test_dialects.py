"""Which path and which gRPC method is which call."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import MethodNotAllowedError, NotFoundError
from seldon_core.protocol.dialects import GRPC_VERBS, Target, Verb, _cached, rest_target

LONG = b"m" * 300


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        (b"GET", b"/v2", Target(Verb.SERVER_METADATA)),
        (b"GET", b"/v2/", Target(Verb.SERVER_METADATA)),
        (b"GET", b"/v2/health/live", Target(Verb.SERVER_LIVE)),
        (b"GET", b"/v2/health/ready", Target(Verb.SERVER_READY)),
        (b"GET", b"/v2/models/iris", Target(Verb.MODEL_METADATA, "iris")),
        (b"GET", b"/v2/models/iris/ready", Target(Verb.MODEL_READY, "iris")),
        (b"POST", b"/v2/models/iris/infer", Target(Verb.INFER, "iris")),
        (b"GET", b"/v2/models/iris/versions/1", Target(Verb.MODEL_METADATA, "iris", "1")),
        (b"GET", b"/v2/models/iris/versions/1/ready", Target(Verb.MODEL_READY, "iris", "1")),
        (b"POST", b"/v2/models/iris/versions/v0.1/infer", Target(Verb.INFER, "iris", "v0.1")),
        (b"POST", b"/v2/models/e.experiment/infer", Target(Verb.INFER, "e.experiment")),
        (b"POST", b"/v2/models/a%20b%2Fc/infer", Target(Verb.INFER, "a b/c")),
        (b"POST", b"/v2/models/%C3%A9/infer", Target(Verb.INFER, "é")),
        (b"POST", b"/v2/models/iris/infer?trace=1&x=/", Target(Verb.INFER, "iris")),
        (b"POST", b"/v2/models/ready/infer", Target(Verb.INFER, "ready")),
        (b"POST", b"/v2/pipelines/p/infer", Target(Verb.INFER, "p.pipeline")),
        (b"GET", b"/v2/pipelines/p/ready", Target(Verb.MODEL_READY, "p.pipeline")),
        (b"POST", b"http://h:9000/v2/models/iris/infer", Target(Verb.INFER, "iris")),
        (b"POST", b"/v2/models/%s/infer" % LONG, Target(Verb.INFER, LONG.decode())),
    ],
    ids=[
        "server", "server-slash", "live", "server-ready", "metadata", "ready", "infer",
        "version-metadata", "version-ready", "version-infer", "dotted", "percent", "utf8", "query",
        "model-named-ready", "pipeline", "pipeline-ready", "absolute", "uncached",
    ],
)  # fmt: skip
def test_a_path_means_a_call(method, path, target):
    assert rest_target(method, path) == target
    assert rest_target(method, path) == target  # out of the cache, where it is in there


@pytest.mark.parametrize(
    "path",
    [
        b"/", b"", b"*", b"/v1", b"/v2/health", b"/v2/models", b"/v2/models/", b"/v2/models//infer",
        b"/v2/models/iris/", b"/v2/models/iris/infer/", b"/v2/models/iris/versions",
        b"/v2/models/iris/versions/", b"/v2/models/iris/versions/1/", b"/v2/models/%FF/infer",
        b"/v2/models/iris/versions//infer", b"/v2/models/iris/explode", b"/v2/pipelines/p",
        b"/v2/things/iris/infer", b"/v1/models/iris/infer", b"/v2/models/a/b/infer", b"example:443",
    ],
)  # fmt: skip
def test_any_other_path_is_not_found(path):
    with pytest.raises(NotFoundError) as caught:
        rest_target(b"POST", path)
    assert caught.value.kind == "path"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        (b"GET", b"/v2/models/iris/infer", ("POST",)),
        (b"POST", b"/v2/health/live", ("GET",)),
        (b"DELETE", b"/v2/models/iris", ("GET",)),
        (b"\xff", b"/v2", ("GET",)),
    ],
    ids=["infer", "live", "metadata", "no-text"],
)
def test_a_known_path_says_which_method_it_takes(method, path, allowed):
    with pytest.raises(MethodNotAllowedError) as caught:
        rest_target(method, path)
    assert caught.value.allowed == allowed


def test_head_is_get_without_the_body_and_nothing_else():
    assert rest_target(b"HEAD", b"/v2/health/live") == Target(Verb.SERVER_LIVE)
    with pytest.raises(MethodNotAllowedError):
        rest_target(b"HEAD", b"/v2/models/iris/infer")


def test_a_long_path_takes_no_room_in_the_cache():
    before = _cached.cache_info().currsize
    rest_target(b"GET", b"/v2/models/" + LONG + b"0")
    assert _cached.cache_info().currsize == before


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_are_a_call_or_a_known_error(method, path):
    for target in (path, b"/v2/models/" + path, b"/v2/models/" + path + b"/infer"):
        with contextlib.suppress(NotFoundError, MethodNotAllowedError):
            assert isinstance(rest_target(method, target), Target)


def test_every_call_has_its_grpc_method():
    assert GRPC_VERBS[b"/inference.GRPCInferenceService/ModelInfer"] is Verb.INFER
    assert {*GRPC_VERBS.values()} == {*Verb}
