from perf.micro import run_all


def test_every_bench_runs_and_its_figures_are_printed(tmp_path, capsys):
    (tmp_path / "bench_good.py").write_text(
        "import os; print(os.environ['BENCH_SECONDS'], 'seconds')"
    )
    (tmp_path / "other.py").write_text("raise SystemExit(1)")
    assert run_all.main(["--seconds", "0.5"], tmp_path) == 0
    assert capsys.readouterr().out == "== bench_good.py\n0.5 seconds\n"


def test_a_bench_that_fails_fails_the_whole_and_is_named(tmp_path, capsys):
    (tmp_path / "bench_bad.py").write_text("raise RuntimeError('broken')")
    (tmp_path / "bench_good.py").write_text("print('fine')")
    assert run_all.main([], tmp_path) == 1
    out = capsys.readouterr().out
    assert "RuntimeError: broken" in out
    assert "fine" in out
    assert out.endswith("failed: bench_bad.py\n")


def test_a_bench_that_goes_on_is_stopped_and_that_is_fine(tmp_path, monkeypatch):
    monkeypatch.setattr(run_all, "GRACE_S", 0.0)
    path = tmp_path / "bench_endless.py"
    path.write_text("while True: pass")
    went_well, text = run_all.run(path, 0.2)
    assert went_well
    assert "stopped after 0.2 s" in text


def test_benches_import_what_is_measured(tmp_path):
    path = tmp_path / "bench_imports.py"
    path.write_text("import seldon_core.errors")
    assert run_all.run(path, 1)[0]
