"""The page and the document, as the front answers them; and that the page needs nobody else."""

import asyncio
import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from seldon_core.errors import NotFoundError
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata, TensorSpec
from seldon_core.transport import rest_docs
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.rest import RestFront
from seldon_core.transport.rest_docs import docs_methods
from seldon_core.transport.settings import ListenerSettings


class IrisHandler:
    async def metadata(self, call):
        if call.model != "iris":
            raise NotFoundError("model", call.model)
        specs = (TensorSpec("rows", "FP32", (-1, 4)),)
        return ModelMetadata("iris_2", "sklearn_joblib", specs, specs, ("1",))


class Server:
    def metadata(self):
        return ServerMetadata("seldon-core", "0.1.0", ())


def front_of(methods):
    return RestFront(IrisHandler(), Server(), ListenerSettings(), InFlightBytes(1 << 20), methods)


def get(target, headers=None):
    front = front_of(docs_methods(IrisHandler(), Server()))
    answer = asyncio.run(front.answer(HttpRequest(b"GET", target, headers or {})))
    return answer.status, dict(answer.headers), b"".join(answer.parts)


def test_the_server_describes_itself():
    status, headers, body = get(b"/v2/docs/dataplane.json")
    assert status == 200
    assert headers[b"content-type"] == b"application/json"
    document = json.loads(body)
    assert document["info"]["version"] == "0.1.0"
    assert "/v2/models/{model}/infer" in document["paths"]


@pytest.mark.parametrize("version", ["", "/versions/7"], ids=["model", "version"])
def test_a_model_is_described_by_its_own_tensors(version):
    root = f"/v2/models/iris{version}"
    status, _, body = get(f"{root}/docs/dataplane.json".encode())
    assert status == 200
    document = json.loads(body)
    assert document["info"]["title"] == "Model iris"
    body = document["paths"][f"{root}/infer"]["post"]["requestBody"]
    (tensor,) = body["content"]["application/json"]["example"]["inputs"]
    assert (tensor["name"], tensor["shape"]) == ("rows", [1, 4])


@pytest.mark.parametrize("below", ["docs", "docs/dataplane.json"])
def test_of_an_unknown_model_there_is_neither_page_nor_document(below):
    status, _, body = get(f"/v2/models/nope/{below}".encode())
    assert status == 404
    assert "nope" in json.loads(body)["error"]


def test_one_document_is_made_in_a_turn_of_the_loop(monkeypatch):
    async def run():
        turn, turns = 0, []
        document = rest_docs._document
        monkeypatch.setattr(
            rest_docs, "_document", lambda *given: (turns.append(turn), document(*given))[1]
        )
        front = front_of(docs_methods(IrisHandler(), Server()))
        request = HttpRequest(b"GET", b"/v2/models/iris/docs/dataplane.json", {})
        asked = [asyncio.create_task(front.answer(request)) for _ in range(5)]
        while not all(each.done() for each in asked):
            await asyncio.sleep(0)
            turn += 1
        assert {each.result().status for each in asked} == {200}
        assert len(set(turns)) == len(turns) == 5

    asyncio.run(run())


class Page(HTMLParser):
    """Notes what a page loads, what its tags hold, and which names it gives."""

    def __init__(self):
        super().__init__()
        self.loads = []
        self.inside = {"script": "", "style": ""}
        self.names = []
        self.within = None

    def handle_starttag(self, tag, attributes):
        self.within = tag
        found = dict(attributes)
        self.loads += [found[name] for name in ("src", "href", "action") if name in found]
        self.names += [found["id"]] if "id" in found else []
        assert not any(name.startswith("on") or name == "style" for name in found)

    def handle_endtag(self, tag):
        self.within = None

    def handle_data(self, data):
        if self.within in self.inside:
            self.inside[self.within] += data


@pytest.fixture(scope="module")
def page():
    status, headers, body = get(b"/v2/models/iris/docs", {b"x-request-id": b"mine"})
    parsed = Page()
    parsed.feed(body.decode())
    assert (status, headers[b"x-request-id"]) == (200, b"mine")
    return headers, parsed


def test_every_page_is_the_same():
    assert get(b"/v2/docs")[2] == get(b"/v2/models/iris/versions/7/docs")[2]


def test_the_page_loads_nothing_but_the_document_below_it(page):
    headers, parsed = page
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert parsed.loads == ["docs/dataplane.json"]
    assert "//" not in re.sub(r"^\s*// .*$|; // .*$", "", parsed.inside["script"], flags=re.M)
    assert "url(" not in parsed.inside["style"]


def test_the_page_lets_the_browser_run_only_what_stands_in_it(page):
    headers, parsed = page
    policy = dict(
        rule.split(" ", 1) for rule in headers[b"content-security-policy"].decode().split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(parsed.inside[tag].encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_the_page_shows_what_others_named_as_text_only(page):
    script = page[1].inside["script"]
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in script


def test_the_page_finds_what_it_looks_for(page):
    script = page[1].inside["script"]
    looked_for = set(re.findall(r'getElementById\("([^"]+)"\)', script))
    assert looked_for
    assert looked_for <= set(page[1].names)
