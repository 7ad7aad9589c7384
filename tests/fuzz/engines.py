"""The two engines, each of which runs one target in a process of its own: see `hunt`."""

import contextlib
import faulthandler
import importlib.util
import json
import mmap
import os
import platform
import resource
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from tests.fuzz.inputs import inputs_of
from tests.fuzz.target import Target

LONGEST_INPUT = 8192
_ROUND = 400  # inputs that Hypothesis makes before it looks at the clock
_LONGEST_WORD = 64  # of libFuzzer's dictionary
_HEAD = struct.Struct("<QQ")
_AREA = 1 << 20
_MOST_MEMORY = 8 << 30  # of addresses: an allocation beyond it is an error at once


class TooMuchError(Exception):
    """An input took too much time or memory."""


class Slate:
    """Memory that a process shares with the one that watches it: what it is at, what it found.

    `executions` is how many inputs were checked, `current` the last one, `report` what went wrong.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2 * _AREA)

    @property
    def executions(self) -> int:
        return int(_HEAD.unpack_from(self._memory, 0)[0])

    @property
    def current(self) -> bytes:
        length = _HEAD.unpack_from(self._memory, 0)[1]
        return self._memory[_HEAD.size : _HEAD.size + length]

    def begin(self, data: bytes) -> None:
        """Note that `data` is checked next."""
        kept = data[: _AREA - _HEAD.size]
        self._memory[_HEAD.size : _HEAD.size + len(kept)] = kept
        _HEAD.pack_into(self._memory, 0, self.executions + 1, len(kept))

    @property
    def report(self) -> dict[str, str] | None:
        text = self._memory[_AREA:].rstrip(b"\0")
        return json.loads(text) if text else None

    def tell(self, data: bytes, words: str) -> None:
        """Report that `data` is a finding."""
        text = json.dumps({"input": data.hex(), "words": words[-20_000:]}).encode()
        if len(text) <= _AREA:
            self._memory[_AREA : _AREA + len(text)] = text


class Watched:
    """A target's check with bounds on what one input may take."""

    def __init__(self, target: Target, slate: Slate) -> None:
        self._target = target
        self._slate = slate

    def __call__(self, data: bytes) -> None:
        target = self._target
        self._slate.begin(data)
        peak, began = _peak_bytes(), time.process_time()
        target.check(data)
        took_s, grown = time.process_time() - began, _peak_bytes() - peak
        if took_s > target.cpu_s:
            raise TooMuchError(f"{len(data)} bytes took {took_s:.1f} s, {target.cpu_s} is the most")
        if grown > target.peak_bytes:
            raise TooMuchError(
                f"{len(data)} bytes took {grown} bytes of memory, {target.peak_bytes} is the most"
            )


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_hypothesis(target: Target, slate: Slate, number: int, seconds: float, runs: int) -> None:
    """Check the seeds, then inputs that Hypothesis makes from the seed `number`: `runs` of them if
    that is not 0, else as many as `seconds` allow. What is found is made as small as it gets."""
    watched, until = Watched(target, slate), time.monotonic() + seconds
    failed: list[bytes] = []

    def check(data: bytes) -> None:
        data = data[:LONGEST_INPUT]
        try:
            watched(data)
        except Exception:
            failed.append(data)
            raise

    for data in target.seeds:
        try:
            watched(data)
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            slate.tell(data, traceback.format_exc())
            return
    inputs, rounds = inputs_of(target), 0
    while rounds == 0 or (not runs and time.monotonic() < until):
        profile = settings(
            max_examples=runs or _ROUND,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )
        try:
            seed(number + rounds)(profile(given(inputs)(check)))()
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            slate.tell(failed[-1] if failed else b"", traceback.format_exc())
            return
        rounds += 1


def run_atheris(
    target: Target, slate: Slate, number: int, seconds: float, runs: int, folder: Path
) -> None:
    """Have libFuzzer change the seeds and what is in `folder`, where it keeps what reached new
    code. Otherwise as `run_hypothesis`. Does not return."""
    import atheris

    seeds, dictionary = folder / "seeds", folder / "tokens"
    corpus = folder / "corpus"
    for each in (seeds, corpus):
        each.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(target.seeds):
        (seeds / str(index)).write_bytes(data)
    words = [token for token in target.tokens if 0 < len(token) <= _LONGEST_WORD]
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in words]
    dictionary.write_text("\n".join(lines) + "\n")
    watched = Watched(target, slate)

    def check(data: bytes) -> None:
        try:
            watched(data)
        except BaseException:  # noqa: BLE001 - whatever it is, it is a finding
            slate.tell(data, traceback.format_exc())
            os._exit(1)

    options = {
        "seed": number % (1 << 31) or 1,
        "max_len": LONGEST_INPUT,
        "dict": dictionary,
        "artifact_prefix": f"{folder}/",
        "verbosity": 0,
        "rss_limit_mb": 0,  # looked at for each input here, and time, too
        "timeout": 600,
        **dict.fromkeys(("handle_abrt", "handle_segv", "handle_bus"), 0),
        **({"runs": runs} if runs else {"max_total_time": max(1, round(seconds))}),
    }
    switches = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([target.name, *switches, str(corpus), str(seeds)], check)
    atheris.Fuzz()


def why_no_atheris() -> str:
    """Return why atheris cannot run here, "" if it can.

    It is published for CPython 3.11 to 3.13 on Linux of x86-64; elsewhere it has to be built with
    clang, which is not asked of anybody.
    """
    if importlib.util.find_spec("atheris") is not None:
        return ""
    if is_atheris_published():
        return "atheris is not installed, although it is published for this Python: make test"
    found = f"{platform.python_implementation()} {platform.python_version()}"
    return f"atheris is not published for {found} on {sys.platform} {platform.machine()}"


def is_atheris_published() -> bool:
    """Return whether pyproject.toml has it installed here: its marker, as a condition."""
    return (
        (3, 11) <= sys.version_info < (3, 14)
        and platform.python_implementation() == "CPython"
        and (sys.platform, platform.machine()) == ("linux", "x86_64")
    )


def instrumented(load: Callable[[], object]) -> None:
    """Call `load`, which imports the targets, so that atheris sees which code they reach."""
    import atheris

    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        atheris.instrument_imports(
            include=["seldon_core", "tests.fuzz"], enable_loader_override=False
        ),
    ):
        load()


def confine() -> None:
    """Bound this process's memory; have it show where it was when it is aborted."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
