from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import SecretSpec
from seldon_core.scheduler.secret_state import SecretRecord, SecretState, record_of

DEFINITION = b"{name: s3, type: s3, parameters: {token: hunter2}}"


def test_a_record_has_the_remote_or_why_there_is_none():
    spec = SecretSpec("minio", {"s3": DEFINITION})
    assert record_of(spec) == SecretRecord(spec, Remote("s3", "s3", {"token": "hunter2"}))
    bad = record_of(SecretSpec("bad"))
    assert bad.remote is None
    assert bad.problem.startswith("Secret 'bad' has 0 values")


def test_nothing_that_prints_them_shows_a_value():
    state = SecretState({"minio": record_of(SecretSpec("minio", {"s3": DEFINITION}))})
    assert "hunter2" not in repr(state)
