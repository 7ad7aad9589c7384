import os
from types import SimpleNamespace

import pytest

from perf.harness import loads, outputs
from perf.scenarios import p12_steady


def test_memory_is_compared_with_what_it_was_once_settled():
    samples = [(0.0, 100.0), (1.0, 180.0), (2.0, 150.0), (3.0, 153.0), (4.0, 151.0)]
    assert p12_steady.growth(samples, 2.0) == (150.0, 153.0)


def test_the_server_is_weighed_as_long_as_the_load_lasts(monkeypatch):
    weights = iter(range(1, 1000))
    process = SimpleNamespace(memory_bytes=lambda: next(weights) << 20)
    latencies = outputs.Latencies(1, 0.1, 0.2, 0.3)
    scales = []

    def open_loop(port, model, connections, rate_per_s, seconds):
        while len(scales[0].samples) < 3:
            os.sched_yield()
        return latencies

    def scale_of(server):
        scales.append(scale(server))
        return scales[0]

    scale = p12_steady.Scale
    monkeypatch.setattr(p12_steady, "POLL_S", 0.001)
    monkeypatch.setattr(p12_steady, "Scale", scale_of)
    monkeypatch.setattr(loads, "open_loop", open_loop)
    server = SimpleNamespace(process=process, port=1)
    measured, settled, most = p12_steady.steady(server, 10.0, 0.0)
    assert measured is latencies
    assert settled == 1.0
    assert most >= 3.0


def h2load_that_logs(tmp_path, monkeypatch, lines):
    """A program that says what h2load says, and logs so many requests."""
    program = tmp_path / "h2load"
    program.write_text(
        f"""#!/bin/sh
for argument; do case $argument in --log-file=*) log=${{argument#*=}};; esac; done
i=0; while [ $i -lt {lines} ]; do printf '1\\t200\\t5\\n' >> "$log"; i=$((i+1)); done
echo 'finished in 1.00s, 9.00 req/s, 1B/s'
echo 'requests: 9 total, 9 started, 9 done, 9 succeeded, 0 failed, 0 errored, 0 timeout'
echo 'status codes: 9 2xx, 0 3xx, 0 4xx, 0 5xx'
echo 'traffic: 1B (1) total, 1B (1) headers (space savings 0%), 1B (1) data'
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_an_open_loop_has_its_latencies_from_the_log(tmp_path, monkeypatch):
    h2load_that_logs(tmp_path, monkeypatch, 100)
    latencies = loads.open_loop(1, "m", 4, 50.0, 2)
    assert latencies == outputs.Latencies(100, 5e-6, 5e-6, 5e-6)


def test_an_open_loop_that_could_not_keep_its_pace_says_nothing(tmp_path, monkeypatch):
    h2load_that_logs(tmp_path, monkeypatch, 90)
    with pytest.raises(outputs.LoadError, match="sent 90 requests of 100"):
        loads.open_loop(1, "m", 4, 50.0, 2)
