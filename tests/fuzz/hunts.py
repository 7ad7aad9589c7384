"""Hunts as tests start them: in processes of their own, so that nothing of them is left here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.engines import is_atheris_published, why_no_atheris

ROOT = Path(__file__).resolve().parents[2]


def can_run(engine):
    """Whether an engine is there; where atheris is published it has to be."""
    return engine != "atheris" or is_atheris_published() or not why_no_atheris()


NEEDS_ATHERIS = pytest.mark.skipif(not can_run("atheris"), reason=why_no_atheris())
ENGINES = ["hypothesis", pytest.param("atheris", marks=NEEDS_ATHERIS)]


def started(*options):
    """Begin a hunt; return its process."""
    command = [sys.executable, "-m", "tests.fuzz.hunt", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def finished(process, timeout_s=120):
    """Return the exit status of a hunt, what it said, and its summary."""
    with process:
        try:
            words, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    lines = words.splitlines()
    summary = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None
    return process.returncode, words, summary
