"""The documents are valid OpenAPI, and say of every path what is true of it."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from seldon_core.protocol.dialects import Verb, rest_paths, rest_target
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata, TensorSpec
from seldon_core.protocol.openapi import model_document, server_document
from seldon_core.protocol.openapi_operations import OPERATIONS
from seldon_core.protocol.status import STATUSES

SERVER = ServerMetadata("seldon-core", "0.1.0", ("binary_tensor_data",))
INPUTS = (TensorSpec("rows", "FP32", (-1, 4)), TensorSpec("words", "BYTES", (-1,)))
OUTPUTS = (TensorSpec("label", "INT64", (-1, 1)), TensorSpec("half", "BF16", (2,)))
MODEL = ModelMetadata("iris_3", "onnxruntime_onnx", INPUTS, OUTPUTS, ("1",))
SILENT = ModelMetadata("mute_1", "", (), ())


def operations(document):
    """Each path, method and operation."""
    return [
        (path, method, item[method])
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]


DOCUMENTS = [
    pytest.param(server_document(SERVER), id="server"),
    pytest.param(model_document(SERVER, MODEL, "iris"), id="model"),
    pytest.param(model_document(SERVER, MODEL, "a b/ü", "3"), id="version"),
    pytest.param(model_document(SERVER, SILENT, "mute"), id="model without tensors"),
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_valid(document):
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)


def test_the_server_has_every_path_of_the_dialects():
    described = {(path, method.upper()) for path, method, _ in operations(server_document(SERVER))}
    assert described == {(path, name) for path, names, _ in rest_paths() for name in names}


def test_no_path_is_described_that_nothing_can_answer_yet():
    assert not [path for path, *_ in operations(server_document(SERVER)) if "pipeline" in path]


def test_no_operation_is_described_that_there_is_not():
    assert set(OPERATIONS) == {(verb, name) for _, names, verb in rest_paths() for name in names}


@pytest.mark.parametrize(("version", "model"), [("", "iris"), ("v 1/2", "a b/ü")])
def test_a_models_paths_lead_to_it(version, model):
    document = model_document(SERVER, MODEL, model, version)
    verbs = set()
    for path, method, _ in operations(document):
        target = rest_target(method.upper().encode(), path.encode())
        assert (target.model, target.version) == (model, version)
        verbs.add(target.verb)
    assert {Verb.INFER, Verb.MODEL_METADATA, Verb.GENERATE_STREAM, Verb.STATISTICS} <= verbs
    assert Verb.REPOSITORY_LOAD not in verbs


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (DOCUMENTS[0].values[0], "/v2/docs/dataplane.json"),
        (DOCUMENTS[1].values[0], "/v2/models/iris/docs/dataplane.json"),
        (DOCUMENTS[2].values[0], "/v2/models/a%20b%2F%C3%BC/versions/3/docs/dataplane.json"),
    ],
    ids=["server", "model", "version"],
)
def test_paths_start_at_the_servers_root_whatever_a_proxy_puts_before(document, path):
    assert path in document["paths"]
    (server,) = document["servers"]
    assert server["url"].split("/") == [".."] * (path.count("/") - 1)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_statuses_are_those_that_errors_have(document):
    known = {str(status.http) for status in STATUSES.values()} | {"200", "default"}
    for _, _, operation in operations(document):
        assert set(operation["responses"]) <= known


def test_an_infer_says_what_may_go_wrong():
    infer = server_document(SERVER)["paths"]["/v2/models/{model}/infer"]["post"]["responses"]
    assert set(infer) == {"200", "400", "404", "413", "415", "500", "503", "504", "default"}
    assert "Retry-After" in infer["503"]["headers"]
    assert infer["404"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Error"
    }


@pytest.mark.parametrize("path", ["/v2/health/ready", "/v2/models/{model}/ready"])
def test_bad_health_has_no_body(path):
    assert server_document(SERVER)["paths"][path]["get"]["responses"]["400"] == {
        "description": "It is not."
    }


def test_only_whoever_may_choose_is_asked_for_a_model():
    def headers(document, path):
        return [parameter["name"] for parameter in document["paths"][path]["post"]["parameters"]]

    every = headers(server_document(SERVER), "/v2/models/{model}/infer")
    assert every == ["seldon-model", "x-request-id", "Inference-Header-Content-Length"]
    model = model_document(SERVER, MODEL, "iris")
    assert headers(model, "/v2/models/iris/generate") == ["x-request-id"]


def schema(document, name):
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_example_fits_its_schema(document):
    examples = 0
    for _, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content:
            wanted = {**content["schema"], "components": document["components"]}
            jsonschema.validate(content["example"], wanted)
            examples += 1
    assert examples


def test_a_models_example_fits_its_schema():
    document = model_document(SERVER, MODEL, "iris")
    content = document["paths"]["/v2/models/iris/infer"]["post"]["requestBody"]["content"]
    example = content["application/json"]["example"]
    jsonschema.validate(example, schema(document, "InferRequest"))
    assert example["inputs"] == [
        {"name": "rows", "shape": [1, 4], "datatype": "FP32", "data": [1.0] * 4},
        {"name": "words", "shape": [1], "datatype": "BYTES", "data": ["text"]},
    ]
    stream = document["paths"]["/v2/models/iris/infer_stream"]["post"]["requestBody"]
    assert stream["content"]["application/json"]["example"] == example
    generate = document["paths"]["/v2/models/iris/generate"]["post"]["requestBody"]
    assert generate["content"]["application/json"]["example"] == example


def test_a_model_of_text_has_examples_of_text():
    inputs = (TensorSpec("text_input", "BYTES", (-1,)), TensorSpec("n", "INT8", (2,)))
    model = ModelMetadata("llm_1", "python", inputs, OUTPUTS, ("1",))
    paths = model_document(SERVER, model, "llm")["paths"]
    for below in ("generate", "generate_stream"):
        body = paths[f"/v2/models/llm/{below}"]["post"]["requestBody"]
        example = body["content"]["application/json"]["example"]
        assert example == {"text_input": "text", "n": [1, 1]}


def test_a_model_that_says_nothing_has_the_schema_of_all_and_no_example():
    document = model_document(SERVER, SILENT, "mute")
    content = document["paths"]["/v2/models/mute/infer"]["post"]["requestBody"]["content"]
    assert "example" not in content["application/json"]
    jsonschema.validate(
        {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]},
        schema(document, "InferRequest"),
    )


def test_a_document_has_no_schema_that_nothing_refers_to():
    schemas = model_document(SERVER, MODEL, "iris")["components"]["schemas"]
    assert "RepositoryIndex" not in schemas
    assert "FP32Data" in schemas
    assert "UINT8Data" not in schemas
