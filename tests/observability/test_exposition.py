from prometheus_client.parser import text_string_to_metric_families

from seldon_core.observability.exposition import Family, render


def text(*families):
    return "".join(render(families))


def test_a_counter_keeps_its_name():
    evictions = Family("seldon_cache_evict_count", "counter", "Evictions.", [("", {}, 3)])
    assert text(evictions) == (
        "# HELP seldon_cache_evict_count Evictions.\n"
        "# TYPE seldon_cache_evict_count counter\n"
        "seldon_cache_evict_count 3\n"
    )


def test_label_values_are_escaped_so_that_a_reader_gets_them_back():
    labels = {"model": 'a"b\\c\nd', "code": "200"}
    family = Family("calls", "gauge", "Calls.", [("", labels, 0.5)])
    [parsed] = text_string_to_metric_families(text(family))
    assert parsed.samples[0].labels == labels
    assert parsed.samples[0].value == 0.5


def test_a_family_without_samples_is_not_mentioned():
    assert text(Family("calls", "gauge", "Calls.", [])) == ""
