import pytest

from perf.harness.outputs import LoadError, parse_h2load, parse_wrk, read_h2load_log, seconds_of

WRK = """\
Running 3s test @ http://127.0.0.1:18000/v2/models/iris/infer
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.43ms  459.21us   3.67ms   72.43%
    Req/Sec    11.22k     3.32k   16.56k    70.00%
  Latency Distribution
     50%  890.00us
     75%    1.80ms
     90%    1.91ms
     99%    2.79ms
  33479 requests in 3.00s, 6.00MB read
Requests/sec:  11156.80
Transfer/sec:      2.00MB
"""
H2LOAD = """\
finished in 4.00s, 11939.00 req/s, 1.02MB/s
requests: 35817 total, 35820 started, 35817 done, 35817 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 35817 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 3.06MB (3212901) total, 142.19KB (145602) headers (space savings 96.29%), 2.13MB (2230264) data
                     min         max         mean         sd        +/- sd
time for request:      388us      5.40ms      1.34ms       465us    86.50%
"""  # noqa: E501 -- as h2load prints it


def test_wrk_is_read():
    result = parse_wrk(WRK)
    assert result.rate_per_s == 11156.8
    assert result.requests == 33479
    assert result.p50_s == pytest.approx(890e-6)
    assert result.p99_s == pytest.approx(2.79e-3)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("  Non-2xx or 3xx responses: 12", id="an error answer"),
        pytest.param("  Socket errors: connect 0, read 1, write 0, timeout 0", id="a lost socket"),
    ],
)
def test_a_wrk_run_with_errors_has_no_figures(line):
    with pytest.raises(LoadError, match=line.strip()):
        parse_wrk(WRK.replace("Requests/sec", f"{line}\nRequests/sec"))


@pytest.mark.parametrize("missing", ["Requests/sec:", "requests in", "50%", "99%"])
def test_a_figure_missing_from_wrk_is_an_error(missing):
    with pytest.raises(LoadError, match="wrk: nothing like"):
        parse_wrk(WRK.replace(missing, ""))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("388us", 388e-6), ("1.34ms", 1.34e-3), ("2.00s", 2.0), ("1.50m", 90.0), ("1h", 3600.0)],
)
def test_durations_are_in_seconds(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)


def test_what_is_no_duration_is_an_error():
    with pytest.raises(LoadError, match="'fast' is no duration"):
        seconds_of("fast")


def test_h2load_is_read():
    result = parse_h2load(H2LOAD)
    assert (result.rate_per_s, result.requests, result.data_bytes) == (11939.0, 35817, 2230264)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param("35817 2xx, 0 3xx", "35816 2xx, 1 3xx", id="an answer that is not 2xx"),
        pytest.param("0 failed", "3 failed", id="a failure"),
        pytest.param("0 errored", "3 errored", id="an error"),
        pytest.param("0 timeout", "3 timeout", id="a timeout"),
    ],
)
def test_an_h2load_run_with_errors_has_no_figures(good, bad):
    with pytest.raises(LoadError, match="h2load: requests"):
        parse_h2load(H2LOAD.replace(good, bad))


def test_h2load_without_any_answer_has_no_figures():
    with pytest.raises(LoadError):
        parse_h2load(H2LOAD.replace("35817", "0"))


def test_output_that_is_not_of_h2load_is_an_error():
    with pytest.raises(LoadError, match="no counts in 'could not connect'"):
        parse_h2load("could not connect")


@pytest.mark.parametrize("more", ["", "\t7"], ids=["today's columns", "more columns"])
def test_the_log_of_h2load_gives_the_latencies(more, tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"17000000000000{n:02}\t200\t{n * 1000}{more}\n" for n in range(101)))
    latencies = read_h2load_log(log)
    assert latencies.requests == 101
    assert (latencies.p50_s, latencies.p99_s, latencies.longest_s) == (0.05, 0.099, 0.1)


def test_an_empty_log_of_h2load_has_no_latencies(tmp_path):
    (tmp_path / "log").write_text("")
    with pytest.raises(LoadError, match="nothing in its log"):
        read_h2load_log(tmp_path / "log")
