"""Alert routes: what is wrong with a file is told with its place, and the shipped one is right."""

from __future__ import annotations

import json

import pytest

from spine.alerts.config import alerts_schema, load_alert_config
from spine.documents.problems import DocumentError
from tests.support.alerts import config_of
from tests.support.paths import ROOT

CHANNELS = "channels: [{name: log, kind: console}]\n"


def test_the_shipped_routes_are_right_and_severe_alerts_reach_everybody() -> None:
    config = load_alert_config(ROOT / "include", "production")
    assert set(config.routes[0].channels) == {"log", "slack", "email", "pagerduty", "servicenow"}
    throttle = config.routes[1].throttle
    assert (throttle.most, throttle.seconds, throttle.by) == (10, 300, "source")


def test_the_committed_schema_is_that_of_the_tables() -> None:
    assert json.loads((ROOT / "include/alerts.schema.json").read_text()) == alerts_schema()


def test_a_deployment_without_a_file_tells_the_log(tmp_path: object) -> None:
    config = load_alert_config(ROOT / "docs", "test")
    assert [route.channels for route in config.routes] == [("log",)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{CHANNELS}routes: [{{channels: lgo}}]", "alerts.yaml:2:21 E015 no channel 'lgo'; did you mean 'log'?"),
        (f"{CHANNELS}routes: []", "E013 'routes' is empty: nobody would hear of anything"),
        (f"{CHANNELS}routes: [{{channels: log, match: {{severty: ERROR}}}}]", "no label 'severty'; did you mean 'severity'?"),
        (f"{CHANNELS}routes: [{{channels: log, match: {{severity: EROR}}}}]", "no severity 'EROR'; did you mean 'ERROR'?"),
        (f"{CHANNELS}routes: [{{channels: log, group_by: [tire]}}]", "no label 'tire'; did you mean 'tier'?"),
        (f"{CHANNELS}routes: [{{channels: log, repeat_interval: 4 hours}}]", "expected seconds, or text such as 90s"),
        ("channels: [{name: a, kind: slak}]\nroutes: [{channels: a}]", "unknown kind 'slak'; did you mean 'slack'?"),
        ("channels: [{name: a, kind: console}, {name: a, kind: email}]\nroutes: [{channels: a}]", "'a' is there twice"),
        (f"{CHANNELS}routes: [{{channels: log}}]\nsilences: [{{match: {{}}, owner: me, until: soon}}]", "'soon' is no ISO date"),
        (f"{CHANNELS}routes: [{{channels: log}}]\nsilence: []", "unknown key 'silence'; did you mean 'silences'?"),
        ("[]", "alert routes are a mapping with 'channels' and 'routes'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_and_a_way_out(text: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        config_of(text)
    assert problem in str(caught.value)
    assert str(caught.value).startswith("alerts.yaml:")
