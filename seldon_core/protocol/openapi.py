"""The REST interface described in OpenAPI 3.1: of the whole server, or of one model.

The paths are those of the table in `dialects.py`, the statuses those of `status.py`, and a model's
tensors are what its metadata says. Pure: values in, a dict out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import orjson

from seldon_core.protocol.dialects import Verb, rest_paths
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata
from seldon_core.protocol.openapi_examples import example_request, example_text_request
from seldon_core.protocol.openapi_operations import JSON, OCTETS, OPERATIONS, Operation
from seldon_core.protocol.openapi_schemas import Schema, general_schemas, model_schemas, ref
from seldon_core.protocol.status import STATUSES

Document = dict[str, Any]

_MEANINGS: Final = {
    400: "The request cannot be understood, does not fit the model, or asks for what is not done.",
    403: "The caller may not do that.",
    404: "The model or version is unknown, or is not loaded.",
    413: "The body, or its JSON, is larger than a limit; the message names it.",
    415: "The body has a content-encoding that is not read: gzip and deflate are.",
    500: "The model failed; the message is its own.",
    503: "There is no room now, or the disk does not take what is to be kept.",
    504: "The request's time ran out.",
}

_HEALTH: Final = (Verb.SERVER_READY, Verb.MODEL_READY)
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_REF: Final = re.compile(rb'"#/components/schemas/(\w+)"')


def server_document(server: ServerMetadata) -> Document:
    """Describe every path of the server."""
    schemas = general_schemas()
    paths = {
        template: _path_item(template, methods, verb, None)
        for template, methods, verb in rest_paths()
    }
    return _document(server, "Inference", "../..", paths, schemas)


def model_document(
    server: ServerMetadata, metadata: ModelMetadata, model: str, version: str = ""
) -> Document:
    """Describe the paths of one model, and its requests and responses by its own tensors.

    `model` and `version` are what its paths name, "" if they name no version.
    """
    root = "/v2/models/{model}" + ("/versions/{version}" if version else "")
    here = f"/v2/models/{quote(model, safe='')}"
    if version:
        here += f"/versions/{quote(version, safe='')}"
    tensors, text = example_request(metadata), example_text_request(metadata)
    examples = {
        Verb.INFER: tensors,
        Verb.INFER_STREAM: tensors,
        Verb.GENERATE: text,
        Verb.GENERATE_STREAM: text,
    }
    paths = {
        here + template.removeprefix(root): _path_item(
            template, methods, verb, examples.get(verb), root
        )
        for template, methods, verb in rest_paths()
        if template == root or template.startswith(f"{root}/")
        if version or "{version}" not in template
    }
    schemas = {**general_schemas(), **model_schemas(metadata)}
    up = "/".join([".."] * (6 if version else 4))
    return _document(server, f"Model {model}", up, paths, schemas)


def _document(
    server: ServerMetadata,
    title: str,
    root: str,
    paths: Mapping[str, Document],
    schemas: Mapping[str, Schema],
) -> Document:
    """`root` leads from the document to the server's first path, whatever a proxy puts before."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": server.version, "summary": f"Served by {server.name}"},
        "servers": [{"url": root}],
        "paths": paths,
        "components": {"schemas": _reachable(paths, schemas)},
    }


def _path_item(
    template: str,
    methods: Iterable[str],
    verb: Verb,
    example: dict[str, Any] | None,
    known: str = "",
) -> Document:
    """`known` is the beginning of `template` whose parameters are filled in already."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(template.removeprefix(known))
    ]
    names = _PARAMETER.findall(template)
    scope = f"Of{names[-1].title()}" if names else ""
    item: Document = {
        method.lower(): {
            "operationId": f"{method.lower()}{_camel(verb.value)}{scope}",
            **_operation(verb, OPERATIONS[verb, method], example, picks_model=not known),
        }
        for method in methods
    }
    return {"parameters": parameters, **item} if parameters else item


def _camel(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in re.split(r"\W|_", name))


def _operation(
    verb: Verb, operation: Operation, example: dict[str, Any] | None, *, picks_model: bool
) -> Document:
    document: Document = {"tags": [operation.tag], "summary": operation.summary}
    if operation.description:
        document["description"] = operation.description
    if operation.tag == "inference":
        document["parameters"] = _headers(verb, picks_model=picks_model)
    if operation.takes:
        document["requestBody"] = _request_body(verb, operation, example)
    document["responses"] = _responses(verb, operation)
    return document


def _headers(verb: Verb, *, picks_model: bool) -> list[Document]:
    text: Schema = {"type": "string"}
    count: Schema = {"type": "integer", "minimum": 0}
    headers = [("x-request-id", "Comes back with the answer; made if it is missing.", text)]
    if picks_model:
        headers.insert(0, ("seldon-model", "The model to run, whatever the path says.", text))
    if verb is Verb.INFER:
        meaning = "The length of the JSON, if tensors follow it as bytes."
        headers.append(("Inference-Header-Content-Length", meaning, count))
    return [
        {"name": name, "in": "header", "description": meaning, "schema": schema}
        for name, meaning, schema in headers
    ]


def _request_body(verb: Verb, operation: Operation, example: Mapping[str, Any] | None) -> Document:
    content: Document = {JSON: {"schema": _any_of(operation.takes)}}
    example = example or operation.example
    if example is not None:
        content[JSON]["example"] = example
    if verb is Verb.INFER:
        content[OCTETS] = {}
    return {"required": operation.tag != "repository", "content": content}


def _any_of(names: Sequence[str]) -> Schema:
    refs = [ref(name) for name in names]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _responses(verb: Verb, operation: Operation) -> Document:
    success: Document = {"description": "Done."}
    if operation.answers:
        success["content"] = {operation.media_type: {"schema": _any_of(operation.answers)}}
        if verb is Verb.INFER:
            success["content"][OCTETS] = {}
    elif operation.media_type != JSON:
        success["content"] = {operation.media_type: {"schema": {"type": "string"}}}
    error = {JSON: {"schema": ref("Error")}}
    responses: Document = {"200": success}
    for status in sorted({STATUSES[kind].http for kind in operation.errors}):
        response: Document = {"description": _MEANINGS[status], "content": error}
        if status == HTTPStatus.BAD_REQUEST and verb in _HEALTH:
            response = {"description": "It is not."}
        elif status == HTTPStatus.SERVICE_UNAVAILABLE:
            response["headers"] = {
                "Retry-After": {
                    "description": "Seconds, if there is no room.",
                    "schema": {"type": "integer"},
                }
            }
        responses[str(status)] = response
    return {**responses, "default": {"description": "Any other error.", "content": error}}


def _reachable(paths: Mapping[str, Document], schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the schemas that something refers to."""
    found: dict[str, Schema] = {}
    waiting = _refs(paths)
    while waiting:
        name = waiting.pop()
        if name not in found and name in schemas:
            found[name] = schemas[name]
            waiting += _refs(schemas[name])
    return dict(sorted(found.items()))


def _refs(value: Mapping[str, Any]) -> list[str]:
    # Found in the text: 10 times as fast as walking through it.
    return [name.decode() for name in _REF.findall(orjson.dumps(value))]
