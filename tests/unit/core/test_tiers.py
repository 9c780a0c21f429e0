"""Every spelling of a tier that FINRA, its files and people use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ValidationError
from spine.core.tiers import ALIASES, Tier

SPELLINGS = {
    Tier.T1: ["T1", "t1", "NMS Tier 1", "NMS_TIER_1", "nms-tier-1", "tier1", "Tier 1", " T1 ", "NMS T1", "1", 1],
    Tier.T2: ["T2", "NMS Tier 2", "nms_tier_2", "TIER2", "2", 2],
    Tier.OTCE: ["OTCE", "OTC", "otc", "OTC Other", "otc_equity", "T3", "tier 3", "3", 3],
}


@pytest.mark.parametrize(
    ("tier", "spelling"), [(tier, spelling) for tier, spellings in SPELLINGS.items() for spelling in spellings]
)
def test_known_spellings(tier: Tier, spelling: object) -> None:
    assert Tier.parse(spelling) is tier


@given(st.sampled_from(sorted(ALIASES)), st.lists(st.sampled_from(["", " ", "_", "-", "\t"]), min_size=12, max_size=12))
def test_case_and_separators_do_not_matter(alias: str, separators: list[str]) -> None:
    pieces = zip(alias.swapcase(), separators, strict=False)
    assert Tier.parse("".join(piece for pair in pieces for piece in pair)) is ALIASES[alias]


@pytest.mark.parametrize("tier", list(Tier))
def test_a_tier_and_its_description_are_spellings_of_it(tier: Tier) -> None:
    assert Tier.parse(tier) is Tier.parse(tier.description) is tier


@pytest.mark.parametrize("text", ["", "T4", "NMS", "NA", "T", "T11", "tier", "T1T2", None, True, 1.0, "T1;"])
def test_anything_else_is_refused_and_never_guessed(text: object) -> None:
    with pytest.raises(ValidationError, match="expected T1, T2 or OTCE") as caught:
        Tier.parse(text)
    assert repr(text) in caught.value.message
