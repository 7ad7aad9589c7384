"""Files that change while somebody looks now and then."""

import os

import pytest

from seldon_core.config.watch import FileWatch


def test_what_rests_is_no_change(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("log: {}\n")
    watch = FileWatch([file])
    assert [watch.look() for _ in range(3)] == [(), (), ()]


def write_over(file, folder):
    file.write_text("longer than before")


def replace(file, folder):
    other = folder / "other"
    other.write_text("as lon")
    kept = file.stat()
    os.utime(other, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    other.replace(file)


def touch(file, folder):
    os.utime(file, ns=(1, 1))


def remove(file, folder):
    file.unlink()


@pytest.mark.parametrize("change", [write_over, replace, touch, remove], ids=lambda f: f.__name__)
def test_a_change_is_told_once_when_the_file_rests(tmp_path, change):
    file = tmp_path / "tls.crt"
    file.write_text("as lon")
    watch = FileWatch([file])
    change(file, tmp_path)
    assert [watch.look() for _ in range(3)] == [(), (file,), ()]


def test_a_file_that_appears_is_a_change(tmp_path):
    file = tmp_path / "tls.key"
    watch = FileWatch([file])
    file.write_text("key")
    assert [watch.look() for _ in range(3)] == [(), (file,), ()]


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path):
    # Kubernetes mounts secrets so: tls.crt -> ..data/tls.crt, and ..data is exchanged.
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tls.crt").write_text(f"certificate {version}")
    (tmp_path / "..data").symlink_to("1")
    file = tmp_path / "tls.crt"
    file.symlink_to("..data/tls.crt")
    watch = FileWatch([file])
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").replace(tmp_path / "..data")
    assert [watch.look() for _ in range(2)] == [(), (file,)]


def test_a_pair_of_files_is_told_of_together(tmp_path):
    crt, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    crt.write_text("1")
    key.write_text("1")
    watch = FileWatch([crt, key, crt])
    crt.write_text("new")
    assert watch.look() == ()
    key.write_text("new")
    assert watch.look() == ()  # the key is different from what it was a moment ago
    assert watch.look() == (crt, key)
    assert watch.look() == ()


def test_a_file_that_is_as_it_was_again_has_not_changed(tmp_path):
    file, moved = tmp_path / "settings.yaml", tmp_path / "moved"
    file.write_text("log: {}\n")
    watch = FileWatch([file])
    file.rename(moved)
    assert watch.look() == ()
    moved.rename(file)
    assert [watch.look() for _ in range(2)] == [(), ()]


def test_a_file_that_is_looked_at_later_changes_like_the_first(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    watch = FileWatch([first])
    first.write_text("a")
    watch.add([first, second])
    second.write_text("b")
    assert [watch.look() for _ in range(3)] == [(), (first, second), ()]
