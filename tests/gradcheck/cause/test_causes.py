"""Every cause has a name of its own and one sentence for a student."""

import pytest

from minireid.gradcheck.cause.causes import Cause


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_has_a_name_and_one_sentence(cause):
    assert cause.value == str(cause) and (cause.value[0].islower() or cause.value[0] in "=+")
    assert cause.sentence[0].isupper() and cause.sentence[-1] == "." and cause.sentence.count(". ") == 0


def test_names_and_sentences_are_unique():
    assert len({c.value for c in Cause}) == len({c.sentence for c in Cause}) == len(Cause.__members__)


def test_a_cause_is_found_by_its_name():
    assert Cause("sign") is Cause.SIGN and Cause.SIGN == "sign"
