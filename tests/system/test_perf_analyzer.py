"""Triton's perf_analyzer, an unchanged binary: it reads configurations and statistics."""

import json
import os
import re
import subprocess
import urllib.request

import pytest

from perf.harness import peers

TIMEOUT_S = 60
# Short: what is checked is that it understands us, not how fast we are.
SHORT = ("--request-count", "40", "--percentile", "50")


@pytest.fixture(scope="module")
def analyze(server):
    """Runs perf_analyzer with arguments; returns what it prints."""
    try:
        program, environment = peers.perf_analyzer_program()
    except peers.AbsentError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}; or perf/peers perf_analyzer, for this alone")

    def run(*arguments):
        command = [str(program), "-u", f"127.0.0.1:{server.port}", *SHORT, *arguments]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                env={**os.environ, **environment},
            )
        except subprocess.TimeoutExpired as late:
            # Whether a request is unanswered, or it waits for something else.
            with urllib.request.urlopen(f"{server.admin}/metrics", timeout=10) as answer:
                kept = [line for line in answer.read().decode().splitlines() if line[:1] != "#"]
            raise AssertionError("\n".join([str(late), str(late.output), *kept])) from late
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("tfsimple1", ("-b", "1")),
        ("tfsimple1", ("-b", "4", "--concurrency-range", "4")),
        ("iris", ()),
        ("add10", ()),
    ],
    ids=["one row", "four of four rows", "sklearn", "no batches"],
)
def test_it_shows_where_requests_spend_their_time_on_the_server(analyze, protocol, model, options):
    printed = analyze("-m", model, "-i", protocol, *options)
    server_side = printed.partition("Server:")[2]
    assert int(re.search(r"Inference count: (\d+)", server_side)[1]) > 0, printed
    for share in ("queue", "compute input", "compute infer", "compute output"):
        assert re.search(rf"{share} \d+ usec", server_side), printed
    assert "Failed" not in printed


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_it_measures_the_version_that_metadata_names(analyze, protocol, server):
    root = f"{server.url}/v2"
    urllib.request.urlopen(f"{root}/repository/models/mul10/load", b"", 30).close()
    with urllib.request.urlopen(f"{root}/models/mul10", timeout=30) as answer:
        (version,) = json.load(answer)["versions"]
    assert int(version) > 1
    printed = analyze("-m", "mul10", "-i", protocol, "-x", version)
    assert "Successful request count: 40" in printed, printed


def test_it_streams_over_grpc(analyze):
    printed = analyze("-m", "tfsimple1", "-i", "grpc", "--streaming")
    assert re.search(r"Throughput: [\d.]+ infer/sec", printed), printed
