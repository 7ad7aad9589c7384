"""House rules that no tool on the shelf checks."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tracked(*patterns):
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listing.stdout.decode().split("\0")
    return [Path(name) for name in names if name and (ROOT / name).is_file()]


def has_behaviour(module):
    """Whether a module does anything: functions with a body, rather than declared values alone."""
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [each for each in node.body if not is_text(each)]
            if body and node.name not in ("__init__", "__str__"):
                return True
    return module.name == "__main__.py"


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_every_module_has_its_test_file():
    modules = [
        path
        for path in tracked("seldon_core/*.py")
        if path.parts[1] != "proto" and has_behaviour(path)
    ]
    missing = set()
    for module in modules:
        inner = Path(*module.parts[1:])
        name = inner.parent.name if inner.name == "__init__.py" else inner.stem
        folder = inner.parent.parent if inner.name == "__init__.py" else inner.parent
        candidates = [folder / f"test_{name}.py", inner.parent / f"test_{name}.py"]
        if not any((ROOT / "tests" / candidate).is_file() for candidate in candidates):
            missing.add(module.as_posix())
    assert missing == set()


def test_no_file_names_a_path_of_one_machine():
    trace = re.compile(r"(?<![\w.~$}])/(root|home|Users)/\w")
    found = [
        f"{path}:{number}"
        for path in tracked("*.py", "*.md", "*.sh", "*.yaml", "*.toml", "Makefile", ".ci/run")
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        if trace.search(line) and path != Path("tests/test_house.py")
    ]
    assert found == []


def test_ci_runs_the_test_command_of_the_readme():
    assert "exec make test" in (ROOT / ".ci/run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
