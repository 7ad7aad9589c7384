"""What the documents of a real process say is tried on it: every path, and every example."""

import json
import urllib.error
import urllib.request
from urllib.parse import urljoin

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

MODELS = ("iris", "iris-onnx", "tfsimple1", "add10")
TIMEOUT_S = 30


def ask(url, body=None):
    """Return the status, the media type and the body of the answer."""
    headers = {} if body is None else {"content-type": "application/json"}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read()


def described(server, path):
    """Return the document at `path`, and the address that its paths are relative to."""
    url = f"{server.url}{path}/docs/dataplane.json"
    status, _, body = ask(url)
    assert status == 200
    document = json.loads(body)
    return document, urljoin(url, document["servers"][0]["url"] + "/")


def check(document, operation, answer):
    """Check an answer against what the document says of its status, media type and schema."""
    status, media_type, body = answer
    assert str(status) in operation["responses"], body
    content = operation["responses"][str(status)].get("content")
    if content is None:
        assert body == b""
        return
    assert media_type in content
    if media_type == "application/json":
        schema = {**content[media_type]["schema"], "components": document["components"]}
        jsonschema.validate(json.loads(body), schema)


def with_method(document, method):
    return [
        (path, item[method])
        for path, item in document["paths"].items()
        if method in item and "{" not in path
    ]


@pytest.mark.parametrize("path", ["/v2", *(f"/v2/models/{model}" for model in MODELS)])
def test_everything_that_can_be_read_is_as_described(server, path):
    document, root = described(server, path)
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    paths = with_method(document, "get")
    assert paths
    for below, operation in paths:
        answer = ask(urljoin(root, below[1:]))
        assert answer[0] == 200, below
        check(document, operation, answer)


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/v2", 3),  # the index, traces, the log
        *((f"/v2/models/{model}", 5) for model in MODELS),  # four that run it, and traces
        ("/v2/models/iris/versions/1", 5),
    ],
)
def test_every_example_works(server, path, count):
    document, root = described(server, path)
    examples = 0
    for path, operation in with_method(document, "post"):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content:
            answer = ask(urljoin(root, path[1:]), json.dumps(content["example"]).encode())
            assert answer[0] == 200, answer
            check(document, operation, answer)
            examples += 1
    assert examples == count


def test_what_is_wrong_is_answered_as_described(server):
    document, root = described(server, "/v2/models/tfsimple1")
    operation = document["paths"]["/v2/models/tfsimple1/infer"]["post"]
    answer = ask(urljoin(root, "v2/models/tfsimple1/infer"), b"{}")
    assert answer[0] == 400
    check(document, operation, answer)


@pytest.mark.parametrize("below", ["", "/models/iris"])
def test_the_page_is_for_people(server, below):
    status, media_type, body = ask(f"{server.url}/v2{below}/docs")
    assert (status, media_type) == (200, "text/html")
    assert body.startswith(b"<!doctype html>")
