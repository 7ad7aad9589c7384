import pytest

from seldon_core.config import sizes
from seldon_core.config.sizes import describe_bytes, memory_limit, parse_bytes, read_memory_limit

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("1048576", 1048576), (7, 7), ("512Mi", 512 * 2**20), ("2G", 2 * 10**9), ("1.5 Ki", 1536)],
    ids=["bytes", "number", "binary unit", "decimal unit", "fraction"],
)
def test_a_size_is_read(text, nbytes):
    assert parse_bytes(text) == nbytes


def test_a_share_is_one_of_the_machines_limit(monkeypatch):
    monkeypatch.setattr(sizes, "memory_limit", lambda: 1000)
    assert parse_bytes("25%") == 250


@pytest.mark.parametrize("text", ["", "much", "-1", "5 Zi", "% 5", "9" * 400, "9" * 400 + "%"])
def test_what_is_no_size_is_refused_with_what_was_found(text):
    with pytest.raises(ValueError, match="found"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (10, "10 bytes"),
        (1023 * 1024, "1023 KiB"),
        (3 * GIB // 2, "1.5 GiB"),
        (5000 * GIB, "5000 GiB"),
        (64 * 2**20, "64 MiB"),
    ],
)
def test_a_size_is_described(nbytes, text):
    assert describe_bytes(nbytes) == text


def machine(root, **files):
    for name, text in {"proc/meminfo": "MemTotal: 8388608 kB\nMemFree: 1 kB\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_memory_limit(root)


def test_without_cgroups_the_limit_is_the_machines(tmp_path):
    assert machine(tmp_path) == 8 * GIB


def test_the_smallest_limit_of_a_cgroup_and_those_above_it_holds(tmp_path):
    files = {
        "proc/self/cgroup": "0::/pod/container\n",
        "sys/fs/cgroup/pod/memory.max": f"{2 * GIB}\n",
        "sys/fs/cgroup/pod/container/memory.max": "max\n",
    }
    assert machine(tmp_path, **files) == 2 * GIB


def test_the_first_version_of_cgroups_is_read_too(tmp_path):
    files = {
        "proc/self/cgroup": "5:cpu:/pod\n4:memory:/pod\n",
        "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": f"{GIB}\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert machine(tmp_path, **files) == GIB


def test_a_container_sees_its_own_limit_at_the_root(tmp_path):
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{3 * GIB}\n"}
    assert machine(tmp_path, **files) == 3 * GIB


def test_a_system_that_says_nothing_counts_as_small(tmp_path):
    assert read_memory_limit(tmp_path) == 4 * GIB


def test_this_machine_has_a_limit():
    assert memory_limit() > 64 * 2**20
