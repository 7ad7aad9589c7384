from seldon_core.transport.budget import InFlightBytes


def test_the_budget_is_full_from_its_limit_on_and_free_below_it():
    budget = InFlightBytes(100)
    budget.take(99)
    assert not budget.is_full
    budget.take(1)
    assert budget.is_full
    budget.give(1)
    assert not budget.is_full
    assert budget.used == 99


def test_what_stays_within_the_limit_fits():
    budget = InFlightBytes(100)
    budget.take(60)
    assert budget.fits(40)
    assert not budget.fits(41)


def test_one_body_above_the_limit_fits_when_it_is_alone():
    budget = InFlightBytes(100)
    assert budget.fits(500)
    budget.take(1)
    assert not budget.fits(500)


def test_who_waits_is_called_once_when_there_is_room_again():
    budget, calls = InFlightBytes(100), []

    def resume():
        calls.append(budget.used)

    budget.take(150)
    budget.when_free(resume)
    budget.when_free(resume)
    budget.give(20)
    assert calls == []
    budget.give(40)
    assert calls == [90]
    budget.take(50)
    budget.give(50)
    assert calls == [90]


def test_who_no_longer_waits_is_not_called():
    budget, calls = InFlightBytes(10), []

    def resume():
        calls.append("called")

    budget.take(10)
    budget.when_free(resume)
    budget.forget(resume)
    budget.forget(resume)
    budget.give(10)
    assert calls == []


def test_what_has_begun_may_go_a_quarter_beyond_the_limit():
    budget = InFlightBytes(100)
    budget.take(124)
    assert budget.is_full
    assert not budget.is_over
    budget.take(1)
    assert budget.is_over
    budget.give(1)
    assert budget.is_full
    assert not budget.is_over
    budget.give(25)
    assert not budget.is_full


def test_another_limit_counts_at_once_and_lets_on_who_waits():
    called = []
    budget = InFlightBytes(100)
    budget.take(50)
    budget.change_limit(40)
    assert (budget.is_full, budget.is_over, budget.limit) == (True, True, 40)
    budget.when_free(lambda: called.append(1))
    budget.change_limit(45)
    assert (budget.is_full, budget.is_over, called) == (True, False, [])
    budget.change_limit(51)
    assert (budget.is_full, budget.is_over, called) == (False, False, [1])
