import numpy as np

from theory.predictions import generalization_time
from validation.claims import trade_off

CLAIMS = {claim.name.split(".")[1]: claim for claim in trade_off.claims()}


def test_all_that_is_shown_is_claimed():
    claimed = {claim.experiments[0].name for claim in CLAIMS.values()}
    assert claimed == {e.name for e in (*trade_off.SHOWN.values(), trade_off.STOPPED)}


def test_a_remedy_is_no_more_noise_by_another_name():
    assert {name for name, claim in CLAIMS.items() if claim.expected == "disagrees"} == {
        "narrowed", "hot", "hotter", "smoothed"
    }  # fmt: skip
    later = trade_off.EARLY.at(times=2 * trade_off.EARLY.times)
    np.testing.assert_allclose(trade_off.clock(trade_off.HOT), generalization_time.kl_clean(later))
    wider = trade_off.EARLY.at(times=0.4 + trade_off.EARLY.times)
    np.testing.assert_allclose(trade_off.wider(trade_off.SMOOTH), generalization_time.kl_clean(wider))
