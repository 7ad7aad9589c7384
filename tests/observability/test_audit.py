"""The file of the audit log."""

import asyncio
import json
import stat

import pytest

from seldon_core.errors import ConfigError
from seldon_core.observability import audit
from seldon_core.observability.audit import MOST_WAITING, open_audit_log


def lines_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def test_lines_are_appended_to_a_file_of_its_owner_s_alone(tmp_path):
    file = tmp_path / "audit.log"

    async def main(value):
        async with open_audit_log(str(file)) as log:
            log.write({"value": value})

    asyncio.run(main(1))
    asyncio.run(main("é\n"))
    assert lines_of(file) == [{"value": 1}, {"value": "é\n"}]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_line_is_written_while_the_process_goes_on_also_after_the_file_was_moved(tmp_path):
    file = tmp_path / "audit.log"

    async def main():
        async with open_audit_log(str(file)) as log:
            log.write({"n": 1})
            await until(lambda: file.read_text())
            file.rename(tmp_path / "old.log")
            log.write({"n": 2})
            await until(file.exists)
            await until(lambda: file.read_text())

    asyncio.run(main())
    assert lines_of(tmp_path / "old.log") == [{"n": 1}]
    assert lines_of(file) == [{"n": 2}]


def test_standard_error_may_be_the_log(capfd):
    async def main():
        async with open_audit_log("stderr") as log:
            log.write({"n": 1})

    asyncio.run(main())
    assert json.loads(capfd.readouterr().err) == {"n": 1}


def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path):
    async def main():
        async with open_audit_log(str(tmp_path)):
            pass

    with pytest.raises(ConfigError, match=r"log\.audit: .* cannot be written: Is a directory"):
        asyncio.run(main())


def test_without_a_name_there_is_none():
    async def main():
        async with open_audit_log("") as log:
            assert log is None

    asyncio.run(main())


def test_what_cannot_be_written_is_lost_and_said(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "audit.log"

    async def main():
        async with open_audit_log(str(file)) as log:
            file.unlink()
            folder.rmdir()
            log.write({"n": 1})

    asyncio.run(main())
    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith("the audit log cannot be written path=")
    assert said[1].startswith("lines of the audit log are lost lines=1")


def test_a_writer_that_is_too_slow_loses_lines_and_holds_nobody_up(tmp_path, caplog):
    file = tmp_path / "audit.log"

    async def main():
        async with open_audit_log(str(file)) as log:
            for n in range(MOST_WAITING + 3):
                log.write({"n": n})

    asyncio.run(main())
    assert len(lines_of(file)) == MOST_WAITING
    assert "lines of the audit log are lost lines=3" in caplog.text


def test_the_loop_goes_on_while_the_disk_does_not(tmp_path, monkeypatch):
    import threading

    goes_on = threading.Event()
    write = audit.append

    def slow(path, lines):
        if lines:
            goes_on.wait(10)
        write(path, lines)

    monkeypatch.setattr(audit, "append", slow)

    async def main():
        async with open_audit_log(str(tmp_path / "audit.log")) as log:
            log.write({"n": 1})
            for _ in range(10):
                await asyncio.sleep(0)
            log.write({"n": 2})
            goes_on.set()

    asyncio.run(main())
    assert lines_of(tmp_path / "audit.log") == [{"n": 1}, {"n": 2}]
