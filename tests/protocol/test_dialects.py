"""Which path and which gRPC method is which call."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import MethodNotAllowedError, NotFoundError, TunnelError
from seldon_core.protocol.dialects import (
    GRPC_VERBS,
    Target,
    Verb,
    _cached,
    rest_paths,
    rest_target,
)

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
    ("path", "said"),
    [
        (b"/", "path '/' not found here: /v2/docs lists the paths that there are"),
        (
            b"/v2/systemsharedmemory/status",
            "path '/v2/systemsharedmemory/status' not found here: shared memory is not offered",
        ),
        (
            b"/v2/cudasharedmemory/status",
            "path '/v2/cudasharedmemory/status' not found here: shared memory is not offered",
        ),
    ],
    ids=["root", "system", "cuda"],
)
def test_a_path_that_is_not_found_says_what_is(path, said):
    with pytest.raises(NotFoundError) as caught:
        rest_target(b"GET", path)
    assert str(caught.value) == said


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


@pytest.mark.parametrize("path", [b"a:80", b"", b"/v2", b"/v2/models/iris/infer"])
def test_a_tunnel_is_refused_whatever_its_target(path):
    with pytest.raises(TunnelError, match="opens no tunnel"):
        rest_target(b"CONNECT", path)


def test_a_long_path_takes_no_room_in_the_cache():
    before = _cached.cache_info().currsize
    rest_target(b"GET", b"/v2/models/" + LONG + b"0")
    assert _cached.cache_info().currsize == before


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_are_a_call_or_a_known_error(method, path):
    for target in (path, b"/v2/models/" + path, b"/v2/models/" + path + b"/infer"):
        with contextlib.suppress(NotFoundError, MethodNotAllowedError, TunnelError):
            assert isinstance(rest_target(method, target), Target)


def test_every_call_but_those_of_rest_alone_has_its_grpc_method():
    assert GRPC_VERBS[b"/inference.GRPCInferenceService/ModelInfer"] is Verb.INFER
    of_rest = {Verb.INFER_STREAM, Verb.GENERATE, Verb.GENERATE_STREAM, Verb.DOCS, Verb.OPENAPI}
    assert {*GRPC_VERBS.values()} == {*Verb} - of_rest


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        (b"GET", b"/v2/models/stats", Target(Verb.STATISTICS)),
        (b"GET", b"/v2/models/iris/versions/1/stats", Target(Verb.STATISTICS, "iris", "1")),
        (b"GET", b"/v2/models/iris/config", Target(Verb.MODEL_CONFIG, "iris")),
        (b"POST", b"/v2/models/iris/infer_stream", Target(Verb.INFER_STREAM, "iris")),
        (b"POST", b"/v2/models/llm/generate", Target(Verb.GENERATE, "llm")),
        (b"POST", b"/v2/models/llm/generate_stream", Target(Verb.GENERATE_STREAM, "llm")),
        (b"POST", b"/v2/repository/index", Target(Verb.REPOSITORY_INDEX)),
        (b"POST", b"/v2/repository/mine/index", Target(Verb.REPOSITORY_INDEX)),
        (b"POST", b"/v2/repository/models/iris/load", Target(Verb.REPOSITORY_LOAD, "iris")),
        (b"POST", b"/v2/repository/models/iris/unload", Target(Verb.REPOSITORY_UNLOAD, "iris")),
        (b"POST", b"/v2/repository/r/models/iris/load", Target(Verb.REPOSITORY_LOAD, "iris")),
        (b"POST", b"/v2/repository/models/models/m/load", Target(Verb.REPOSITORY_LOAD, "m")),
        (b"POST", b"/v2/repository/models/models/load", Target(Verb.REPOSITORY_LOAD, "models")),
        (b"POST", b"/v2/logging", Target(Verb.LOG_SETTINGS)),
        (b"GET", b"/v2/trace/setting", Target(Verb.TRACE_SETTING)),
        (b"POST", b"/v2/models/iris/trace/setting", Target(Verb.TRACE_SETTING, "iris")),
        (b"GET", b"/v2/docs", Target(Verb.DOCS)),
        (b"GET", b"/v2/models/iris/docs/dataplane.json", Target(Verb.OPENAPI, "iris")),
    ],
)
def test_a_path_of_an_extension_means_a_call(method, path, target):
    assert rest_target(method, path) == target


@pytest.mark.parametrize(
    "path",
    [b"/v2/repository/models", b"/v2/repository/models//load", b"/v2/repository/r/things/m/load",
     b"/v2/repository/models/m", b"/v2/repository/models/m/explode",
     b"/v2/repository/models/%FF/load"],
)  # fmt: skip
def test_any_other_path_of_a_repository_is_not_found(path):
    with pytest.raises(NotFoundError):
        rest_target(b"POST", path)


def test_a_path_with_two_methods_names_both_when_it_is_asked_for_a_third():
    with pytest.raises(MethodNotAllowedError, match="use GET or POST"):
        rest_target(b"DELETE", b"/v2/logging")


def test_every_rest_path_is_read_as_it_is_listed():
    listed = list(rest_paths())
    assert len({path for path, _, _ in listed}) == len(listed)
    assert {verb for _, _, verb in listed} == set(Verb) - {Verb.STREAM_INFER}
    for path, methods, verb in listed:
        filled = path.format(model="m", version="v")
        model = "m" if "{model}" in path else ""
        for method in methods:
            target = rest_target(method.encode(), filled.encode())
            assert target == Target(verb, model, "v" if "{version}" in path else "")
