import os
import resource
import time

import psutil
import pytest

from seldon_core.observability.process import process_families


def values(*arguments):
    return {
        family.name: [value for _, _, value in family.samples]
        for family in process_families(*arguments)
    }


def test_the_figures_are_those_of_this_process():
    found = values()
    this = psutil.Process()
    memory = this.memory_info()
    assert found["process_resident_memory_bytes"] == [pytest.approx(memory.rss, rel=0.2)]
    assert found["process_virtual_memory_bytes"] == [pytest.approx(memory.vms, rel=0.2)]
    assert found["process_cpu_seconds_total"] == [pytest.approx(time.process_time(), rel=0.2)]
    assert found["process_start_time_seconds"] == [pytest.approx(this.create_time(), abs=2)]
    assert found["process_max_fds"] == [resource.getrlimit(resource.RLIMIT_NOFILE)[0]]


def test_an_open_file_is_counted():
    [before] = values()["process_open_fds"]
    pipe = os.pipe()
    assert values()["process_open_fds"] == [before + 2]
    for end in pipe:
        os.close(end)


def test_collections_are_counted_by_generation():
    families = {family.name: family for family in process_families()}
    assert [labels for _, labels, _ in families["python_gc_collections_total"].samples] == [
        {"generation": "0"},
        {"generation": "1"},
        {"generation": "2"},
    ]
    assert "python_gc_objects_collected_total" in families
    [(_, python, one)] = families["python_info"].samples
    assert (python["implementation"], one) == ("CPython", 1)


def test_without_a_proc_file_system_the_rest_is_told(tmp_path):
    found = values(tmp_path / "none")
    assert "process_resident_memory_bytes" not in found
    assert "process_cpu_seconds_total" in found


def test_a_name_with_parentheses_hides_nothing(tmp_path):
    (tmp_path / "self/fd").mkdir(parents=True)
    (tmp_path / "self/statm").write_text("2 1 0\n")
    words = " ".join(["S", *["0"] * 18, "500", "7"])
    (tmp_path / "self/stat").write_text(f"1 (a) b ) {words}\n")
    (tmp_path / "stat").write_text("cpu 1\nbtime 1000\nprocesses 3\n")
    began = 1000 + 500 / os.sysconf("SC_CLK_TCK")
    assert values(tmp_path)["process_start_time_seconds"] == [began]
