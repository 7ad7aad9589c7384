import math
import re

import pytest

from seldon_core.config import values

READERS = {
    "text": values.text,
    "port": values.whole(0, 65535),
    "count": values.whole(1),
    "seconds": values.seconds,
    "size": values.size,
    "small size": values.size_up_to(1024),
    "choice": values.one_of("text", "json"),
    "list": values.texts,
    "truth": values.truth,
    "table": values.table(values.one_of("debug", "info")),
}


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        ("text", "127.0.0.1", "127.0.0.1"),
        ("port", 0, 0),
        ("port", "65535", 65535),
        ("count", 1, 1),
        ("seconds", 2, 2.0),
        ("seconds", "0.5", 0.5),
        ("seconds", math.inf, math.inf),
        ("size", 1, 1),
        ("size", "64Ki", 65536),
        ("small size", "1Ki", 1024),
        ("choice", "JSON", "json"),
        ("truth", True, True),
        ("truth", "False", False),
        ("list", "/a,/b", ("/a", "/b")),
        ("list", "", ()),
        ("list", ["/a", "/b"], ("/a", "/b")),
        ("table", "a=info,b=Debug", {"a": "info", "b": "debug"}),
        ("table", {"a": "info"}, {"a": "info"}),
        ("table", "", {}),
    ],
)
def test_a_value_is_read_as_files_or_the_environment_have_it(kind, given, read):
    found = READERS[kind](given)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("text", 1, "wanted text, found 1"),
        ("text", None, "wanted text, found None"),
        ("port", 65536, "wanted a whole number from 0 to 65535, found 65536"),
        ("port", -1, "found -1"),
        ("port", 1.5, "found 1.5"),
        ("port", "http", "found 'http'"),
        ("port", True, "found True"),
        ("count", 0, "wanted a whole number of at least 1, found 0"),
        ("seconds", 0, "wanted a number of seconds above 0, found 0"),
        ("seconds", math.nan, "found nan"),
        ("seconds", 10**400, "wanted a number of seconds above 0"),
        ("seconds", [1], re.escape("found [1]")),
        ("size", "lots", "wanted bytes"),
        ("size", 0, "wanted at least one byte, found 0"),
        ("small size", 1025, "wanted at most 1024 bytes, found 1025"),
        ("small size", 0, "wanted at least one byte, found 0"),
        ("choice", "xml", "wanted text or json, found 'xml'"),
        ("choice", ["text"], "wanted text or json"),
        ("list", {"a": 1}, "wanted a list of texts"),
        ("list", [1], "wanted text, found 1"),
        ("truth", "yes", "wanted true or false, found 'yes'"),
        ("truth", 2, "wanted true or false, found 2"),
        ("table", ["a"], "wanted a table"),
        ("table", {"a": "loud"}, "wanted debug or info, found 'loud'"),
        ("table", "a", "wanted debug or info, found ''"),
        ("table", {1: "info"}, "wanted text, found 1"),
    ],
)
def test_what_is_no_such_value_is_refused_with_what_is_wanted(kind, given, wanted):
    with pytest.raises(ValueError, match=wanted):
        READERS[kind](given)


@pytest.mark.parametrize(("given", "found"), [(0, 0), ("0.25", 0.25), (1, 1), (25, 0.25), (100, 1)])
def test_a_share_may_be_percent(given, found):
    assert values.share(given) == found


@pytest.mark.parametrize("given", [-1, 101, "a quarter", True, float("nan")])
def test_what_is_no_share_is_refused(given):
    with pytest.raises(ValueError, match="wanted a share from 0 to 1, or percent up to 100"):
        values.share(given)
