"""A router elsewhere before the replicas inside a process that has everything."""

import json
import threading
import urllib.error
import urllib.request

import pytest

from tests.support.server import serving
from tests.system.test_roles import PORTS, ROW, all_in_one, apply, infer, until

pytestmark = pytest.mark.system


def manifest_of(samples, folder, version):
    manifest = folder / "rolled.yaml"
    manifest.write_text(
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: rolled}\n"
        f"spec: {{storageUri: {samples}/artifacts/iris, requirements: [sklearn],"
        f" memory: {version}Mi}}\n"
    )
    return manifest


def code_of_version(url, name):
    """The status of a call that says which version it means, as routers do."""
    request = urllib.request.Request(
        f"{url}/v2/models/rolled/infer",
        json.dumps({"inputs": [ROW]}).encode(),
        {"content-type": "application/json", "seldon-internal-model": name},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["x-seldon-route"]
    except urllib.error.HTTPError as error:
        return error.code, None


def test_no_call_fails_while_versions_roll_behind_a_router_elsewhere(samples, tmp_path):
    with all_in_one(samples, tmp_path) as server:
        apply(server, manifest_of(samples, tmp_path, 1))
        link = [f"--scheduler-port={server.ports['agent']}", *PORTS[:1], *PORTS[3:]]
        with serving("serve", "--role=router", *link) as router:
            until(lambda: infer(router.url, "rolled") == 200, "the router reaches the replica")
            codes, over = [], threading.Event()

            def call():
                while not over.is_set():
                    codes.append(infer(router.url, "rolled"))

            callers = [threading.Thread(target=call) for _ in range(3)]
            for caller in callers:
                caller.start()
            for version in (2, 3, 4):
                apply(server, manifest_of(samples, tmp_path, version))
                route = f":rolled_{version}:"
                until(
                    lambda route=route: code_of_version(router.url, "x")[1] == route,
                    "calls go to the new version",
                )
            over.set()
            for caller in callers:
                caller.join()
            assert set(codes) == {200}
            # Clients do not choose a version by what routers say to replicas.
            for url in (server.url, router.url):
                assert code_of_version(url, "rolled_1") == (200, ":rolled_4:")
            assert router.stop() == 0
