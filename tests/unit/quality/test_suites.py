"""Suites: what is wrong with a file is told with its place, and the shipped ones are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError
from spine.core.tiers import Tier
from spine.documents.document import parse_document
from spine.documents.problems import DocumentError
from spine.quality.suites import Outcome, Suite, load_suite, read_suite, suite_names, suite_schema
from tests.support.paths import ROOT

FOLDER = ROOT / "include" / "expectations"
HEAD = "dataset: finra.otc_transparency\nstage: INGESTED\nversion: 1\n"


def read(text: str) -> Suite:
    return read_suite(parse_document(Path("suite.yaml"), text))


def test_the_committed_schema_is_that_of_the_tables() -> None:
    assert json.loads((FOLDER / "suite.schema.json").read_text()) == suite_schema()


@pytest.mark.parametrize("name", suite_names(FOLDER))
def test_every_rule_of_a_shipped_suite_says_what_to_do(name: str) -> None:
    suite = load_suite(FOLDER, name)
    assert suite.name == name
    assert all(rule.message for rule in suite.rules)


def test_what_can_be_set_by_tier_is_the_tiers() -> None:
    suite = read(
        f"{HEAD}rules:\n  - {{name: a, expect: X, outcome: warn, args: {{low: {{by_tier: {{NMS_TIER_1: 5}}}}, high: 9}}}}"
    )
    assert suite.rules[0].args_for(Tier.T1) == {"low": 5, "high": 9}
    assert suite.rules[0].args_for(Tier.T2) == {"high": 9}


def test_a_rule_may_be_of_some_tiers_and_environments_alone() -> None:
    suite = read(f"{HEAD}rules: [{{name: a, expect: X, outcome: warn, tiers: [OTC], environments: [production]}}]")
    assert [len(suite.rules_for(tier, "production")) for tier in Tier] == [0, 0, 1]
    assert not suite.rules_for(Tier.OTCE, "development")


def test_outcomes_have_an_order() -> None:
    assert sorted(Outcome, key=lambda each: each.rank) == [Outcome.WARN, Outcome.QUARANTINE, Outcome.HOLD, Outcome.FAIL]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{HEAD}rules: [{{name: a, expect: X, outcome: hald}}]", "4:39 E015 unknown outcome 'hald'; did you mean 'hold'?"),
        (f"{HEAD}rules: [{{name: a, expect: X}}]", "'outcome' is missing"),
        (f"{HEAD}rules: []", "the suite has no rules"),
        (f"{HEAD}rules: [{{name: a, expect: X, outcome: warn, sevrity: ERROR}}]", "'sevrity'; did you mean 'severity'?"),
        (f"{HEAD}rules: [{{name: a, expect: X, outcome: quarantine}}]", "lines that ExpectNoRowsWhere finds"),
        (f"{HEAD}rules: [{{name: a, expect: X, outcome: warn, tiers: [T9]}}]", "expected a list of tiers"),
        (f"{HEAD}rules:\n- {{name: a, expect: X, outcome: warn}}\n- {{name: a, expect: Y, outcome: warn}}", "already on line 5"),
        ("dataset: x\nstage: RAW\nversion: 1\nrules: [{name: a, expect: X, outcome: warn}]", "unknown stage 'RAW'"),
        ("[]", "a suite is a mapping with 'dataset', 'stage', 'version' and 'rules'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_and_a_way_out(text: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert problem in str(caught.value) and str(caught.value).startswith("suite.yaml:")


def test_an_unknown_suite_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no suite 'finra_otc_transparency\.ingestd'.*did you mean"):
        load_suite(FOLDER, "finra_otc_transparency.ingestd")


def test_what_great_expectations_does_not_understand() -> None:
    from spine.quality.gx.judging import configuration

    told = {"history": {"weeks": []}, "facts": {}}
    for args, words in (
        (
            "expect: ExpectNoRowsWher, outcome: warn",
            "no expectation 'ExpectNoRowsWher'; did you mean 'ExpectNoRowsWhere'",
        ),
        (
            "expect: ExpectNoRowsWhere, outcome: warn, args: {conditon: x}",
            "takes no 'conditon'; did you mean 'condition'",
        ),
        ("expect: ExpectNoRowsWhere, outcome: warn, args: {}", "condition"),
    ):
        [rule] = read(f"{HEAD}rules: [{{name: a, {args}}}]").rules
        with pytest.raises(ConfigurationError) as caught:
            configuration(rule, rule.args_for(Tier.T1), told)
        assert words in caught.value.message
