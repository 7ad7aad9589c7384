"""`python -m seldon_core`, where a library is missing."""

import subprocess
import sys

from seldon_core.scheduler.interpreters import LACKS_LIBRARY


def run(missing):
    hidden = f"import sys; sys.modules[{missing!r}] = None\n"
    program = f"{hidden}import runpy; runpy.run_module('seldon_core', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", program, "--version"], capture_output=True, text=True, timeout=60
    )


def test_a_python_that_lacks_a_library_is_named_with_it():
    ended = run("click")
    assert ended.returncode == LACKS_LIBRARY
    assert f"{sys.executable} lacks the library 'click', which seldon-core needs" in ended.stderr


def test_a_missing_part_of_our_own_is_a_bug():
    ended = run("seldon_core.cli.main")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
