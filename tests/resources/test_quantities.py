"""Kubernetes quantities as bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.resources.quantities import parse_bytes, show_bytes


@pytest.mark.parametrize(
    ("quantity", "nbytes"),
    [
        pytest.param(1024, 1024, id="an integer"),
        pytest.param("1024", 1024, id="digits"),
        pytest.param("100Ki", 102_400, id="binary"),
        pytest.param("1.5Gi", 1_610_612_736, id="a fraction of a binary unit"),
        pytest.param("1.5M", 1_500_000, id="decimal"),
        pytest.param("3k", 3_000, id="thousands"),
        pytest.param("2e3", 2_000, id="exponent"),
        pytest.param("2E3", 2_000, id="capital exponent"),
        pytest.param("2E", 2_000_000_000_000_000_000, id="exa"),
        pytest.param("2500m", 3, id="thousandths, rounded up"),
        pytest.param("1u", 1, id="millionths"),
        pytest.param("1n", 1, id="billionths"),
        pytest.param("5e-1", 1, id="negative exponent"),
        pytest.param(".5Ki", 512, id="no digit before the point"),
        pytest.param("+4", 4, id="a plus sign"),
        pytest.param("0", 0, id="zero"),
        pytest.param("9223372036854775807", 2**63 - 1, id="the most"),
    ],
)
def test_a_quantity_is_bytes(quantity, nbytes):
    assert parse_bytes(quantity) == nbytes


@pytest.mark.parametrize(
    "quantity",
    ["", "Ki", "-1", "1 Gi", "1K", "1ki", "1KiB", "1.2.3", "nan", "inf", "1e", "٣", "1e999", "."],
)
def test_anything_else_is_refused(quantity):
    with pytest.raises(ValueError, match="is no quantity of memory"):
        parse_bytes(quantity)


@pytest.mark.parametrize("quantity", ["9223372036854775808", "1e99", "8Ei"])
def test_more_than_an_int64_is_refused(quantity):
    with pytest.raises(ValueError, match="more than"):
        parse_bytes(quantity)


@given(st.text(alphabet="0123456789.eE+-kKmMiGn ", max_size=40))
def test_any_text_gives_bytes_or_a_value_error(text):
    nbytes = 0
    with contextlib.suppress(ValueError):
        nbytes = parse_bytes(text)
    assert 0 <= nbytes < 2**63


@pytest.mark.parametrize(
    ("nbytes", "quantity"),
    [(0, 0), (1, 1), (102_400, "100Ki"), (2**30, "1Gi"), (10**9, "1G"), (1536, 1536), (2000, "2k")],
    ids=["nothing", "one", "binary", "larger unit", "decimal", "neither", "thousands"],
)
def test_bytes_are_shown_as_a_quantity(nbytes, quantity):
    assert show_bytes(nbytes) == quantity


@given(st.integers(0, 2**63 - 1))
def test_a_shown_quantity_is_exact(nbytes):
    assert parse_bytes(show_bytes(nbytes)) == nbytes
