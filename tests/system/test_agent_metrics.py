"""One scrape for all the processes of a machine, while they die and hang."""

import os
import re
import signal
import time
import urllib.request

from seldon_core.proto import servers_pb2 as pb
from tests.system.test_roles import (
    LISTENS,
    STARTED,
    WHOLE,
    all_in_one,
    apply,
    infer,
    places_of,
    replicated,
    run_three,
    seen,
    servers,
    until,
)

CALLS = re.compile(
    r'^seldon_model_aggregate_infer_total\{(?:process="(?P<process>[^"]+)",)?server="mlserver",'
    r'server_replica="(?P<index>\d)",.*\} (?P<count>\d+)$',
    re.MULTILINE,
)
UP = re.compile(r'^seldon_agent_process_up\{process="([^"]+)"\} ([01])$', re.MULTILINE)


def scrape(server):
    with urllib.request.urlopen(f"{server.admin}/metrics", timeout=10) as answer:
        return answer.read().decode()


def calls(text):
    """The calls that each replica has answered, and that nothing is told twice."""
    counts = {}
    for found in CALLS.finditer(text):
        index = int(found["index"])
        assert index not in counts
        assert found["process"] == (f"mlserver/{index}" if index else None)
        counts[index] = int(found["count"])
    heads = re.findall(r"^# TYPE .*$", text, re.MULTILINE)
    assert len(heads) == len(set(heads))
    return counts


def up(text):
    return {process: state == "1" for process, state in UP.findall(text)}


def test_one_scrape_tells_of_all_processes_and_no_count_falls(samples, tmp_path):
    with all_in_one(samples, tmp_path) as server:
        run_three(server)
        apply(server, replicated(samples, tmp_path))
        until(lambda: places_of(server, "iris-x") == WHOLE, "the model is on three replicas")
        for _ in range(60):
            assert infer(server.url, "iris-x") == 200
        text = scrape(server)
        before = calls(text)
        assert set(before) == {0, 1, 2}
        assert sum(before.values()) == 60
        assert up(text) == {"mlserver/1": True, "mlserver/2": True}

        pids = {replica: int(pid) for replica, pid in seen(server, STARTED)}
        os.kill(pids["mlserver/2"], signal.SIGSTOP)
        began = time.monotonic()
        text = scrape(server)
        assert time.monotonic() - began < 3
        assert up(text) == {"mlserver/1": True, "mlserver/2": False}
        assert calls(text) == before
        os.kill(pids["mlserver/2"], signal.SIGCONT)

        os.kill(pids["mlserver/1"], signal.SIGKILL)

        def is_back():
            assert calls(scrape(server))[1] >= before[1]
            return len(seen(server, LISTENS)) == 3

        until(is_back, "the killed one is back")
        until(lambda: places_of(server, "iris-x") == WHOLE, "it has its model again")
        for _ in range(60):
            assert infer(server.url, "iris-x") == 200
        after = calls(scrape(server))
        assert all(after[index] > before[index] for index in before)
        assert sum(after.values()) == 120

        alone = pb.Server(name="mlserver", configName="mlserver", replicas=1)
        servers(server.ports["scheduler"], "ApplyServer", alone, pb.ServerChange)
        until(lambda: not up(scrape(server)), "the processes are gone")
        assert set(calls(scrape(server))) == {0}
