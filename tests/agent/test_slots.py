from seldon_core.agent.decisions import ReportUnloaded
from seldon_core.agent.slots import Residence, Slot


def test_a_model_is_awaited_from_its_order_to_its_load():
    slot = Slot("iris", 4, 1000)
    assert slot.is_awaited
    slot.residence = Residence.LOADING
    assert not slot.is_awaited


def test_a_model_that_is_told_off_or_was_there_before_is_not_awaited():
    assert not Slot("iris", 4, 1000, farewell=ReportUnloaded("iris")).is_awaited
    assert not Slot("iris", 4, 1000, is_ordered=False).is_awaited
