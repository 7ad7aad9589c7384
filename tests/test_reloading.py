"""Settings and certificates that are read again."""

import asyncio
import logging
from contextlib import contextmanager

import pytest

from seldon_core.aio.supervise import open_tasks
from seldon_core.config.load import load_settings
from seldon_core.errors import ConfigError
from seldon_core.reloading import Reloadable, Reloader


def settings(**flags):
    given = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load_settings(None, {}, given).settings


class Keys:
    """Counts how often it was read."""

    def __init__(self, error=None, files=()):
        self.read = 0
        self.error = error
        self.files = files

    def reload(self):
        self.read += 1
        if self.error is not None:
            raise self.error


@contextmanager
def logs_kept():
    root, ours = logging.getLogger(), logging.getLogger("seldon_core")
    before = root.handlers[:], root.level, ours.level
    try:
        yield
    finally:
        root.handlers[:], level, own = before
        root.setLevel(level)
        ours.setLevel(own)


def reload(read, parts=None, old=None):
    """Have everything read once; return the settings in force then."""
    parts = parts or Reloadable()

    async def main():
        reloader = Reloader(old or settings(), read)
        end = Keys()
        done = asyncio.Event()
        parts.add_keys(end)
        async with asyncio.timeout(10), open_tasks("test") as tasks:
            tasks.start(reloader.run(parts), name="reload")
            reloader.want()
            while end.read < 1:
                await asyncio.sleep(0.001)
            reloader.want()  # what comes while it reads is read once more
            while end.read < 2:
                await asyncio.sleep(0.001)
            done.set()
        return reloader.settings

    with logs_kept():
        return asyncio.run(main())


def test_new_limits_are_handed_to_those_who_follow_and_others_named(caplog):
    caplog.set_level(logging.INFO, "seldon_core")
    seen = []
    parts = Reloadable()
    parts.follow(seen.append)
    new = settings(listener_connections=7, listener_port=1)
    after = reload(lambda: new, parts)
    assert after == settings(listener_connections=7)
    assert seen[0] == after
    said = [record.getMessage() for record in caplog.records]
    assert "settings that need a restart are not changed names=listener.port" in said
    assert "settings read again changed=listener.connections" in said


def test_wrong_settings_change_nothing(caplog):
    def read():
        raise ConfigError("listener.port (from x): wanted a whole number")

    assert reload(read) == settings()
    assert "the settings stay as they were: listener.port (from x)" in caplog.text


def test_a_log_of_nobody_s_changes_nothing(caplog):
    new = settings(log_levels="elsewhere=debug", listener_connections=7)
    assert reload(lambda: new) == settings()
    assert "the settings stay as they were: wanted a component of seldon_core" in caplog.text


def test_log_levels_change():
    levels = []
    parts = Reloadable()
    parts.follow(lambda _: levels.append(logging.getLogger("seldon_core").level))
    reload(lambda: settings(log_level="error"), parts)
    assert levels[0] == logging.ERROR


def test_certificates_are_read_once_each_and_a_bad_one_hinders_no_other(caplog):
    bad, good = Keys(ConfigError("x.pem cannot be read")), Keys()
    parts = Reloadable()
    parts.add_keys(bad, good, good, None)
    reload(None, parts)
    assert good.read == bad.read
    assert good.read >= 1
    assert "the certificate stays as it was: x.pem cannot be read" in caplog.text


@pytest.mark.parametrize("times", [1, 2])
def test_without_anybody_to_read_them_settings_stay(times):
    assert reload(None) == settings()


@pytest.mark.parametrize(
    ("given", "outcome", "reason"),
    [
        ({"listener_connections": "5"}, "configured", "listener.connections"),
        (
            {"listener_connections": "5", "agent_workers": "3"},
            "configured",
            "listener.connections; restart needed: agent.workers",
        ),
        ({"agent_workers": "3"}, "unchanged", "restart needed: agent.workers"),
        ({}, "unchanged", ""),
        ({"listener_connections": "none"}, "refused", "listener.connections"),
    ],
    ids=["changed", "some of it", "needs a restart", "nothing", "wrong"],
)
def test_whoever_observes_is_told_what_became_of_it(given, outcome, reason):
    told, parts = [], Reloadable()
    parts.observe(lambda *what: told.append(what))
    reload(lambda: settings(**given), parts)
    assert told[0][0] == outcome
    assert told[0][1].startswith(reason)
    assert bool(told[0][1]) is bool(reason)


def test_a_certificate_that_cannot_be_read_is_observed():
    told, parts = [], Reloadable()
    parts.observe(lambda *what: told.append(what))
    parts.add_keys(Keys(ConfigError("x.pem cannot be read")))
    reload(None, parts)
    assert told[0] == ("refused", "the certificate stays as it was: x.pem cannot be read")


def test_a_changed_file_is_read_again_without_a_signal(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("seldon_core.reloading.LOOK_S", 0.01)
    caplog.set_level(logging.INFO, "seldon_core")
    config, crt = tmp_path / "config.yaml", tmp_path / "tls.crt"
    for file in (config, crt):
        file.write_text("old")
    keys, read = Keys(files=(crt,)), []

    def read_settings():
        read.append(config.read_text())
        return settings()

    async def main():
        parts = Reloadable()
        parts.add_keys(keys)
        reloader = Reloader(settings(), read_settings, [config])
        async with asyncio.timeout(10), open_tasks("test") as tasks:
            tasks.start(reloader.run(parts), name="reload")
            await asyncio.sleep(0.05)
            assert (keys.read, read) == (0, [])
            for times, file in enumerate((config, crt), 1):
                file.write_text("new")
                while len(read) < times:
                    await asyncio.sleep(0.001)
            reloader.want()  # not a second time for what has been read
            while len(read) < 3:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)

    with logs_kept():
        asyncio.run(main())
    assert (keys.read, read) == (3, ["new"] * 3)
    said = [record.getMessage() for record in caplog.records if "files" in record.getMessage()]
    assert said == [f"files have changed and are read again files={file}" for file in (config, crt)]
