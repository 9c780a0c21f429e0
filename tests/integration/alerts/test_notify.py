"""What a run tells people at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spine.workflows.runner import run_workflow
from tests.support.storage import open_upgraded
from tests.support.weekly import Weekly, file_of, good_lines, weekly_refresh


class Listener:
    def __init__(self, answer: bool = True) -> None:
        self.answer, self.heard = answer, list[tuple[str, str | None]]()

    def send(self, text: str, *, channel: str | None) -> bool:
        self.heard.append((text, channel))
        return self.answer


class Deaf:
    def send(self, text: str, *, channel: str | None) -> bool:
        raise ConnectionRefusedError("nobody there")


@pytest.fixture
def weekly(tmp_path: Path) -> Iterator[Weekly]:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        deployed = Weekly(storage, tmp_path)
        deployed.write(file_of(*good_lines()))
        yield deployed


def run(weekly: Weekly, notifier: object) -> dict[str, object]:
    ended = run_workflow(
        weekly_refresh(),
        {"file_path": "week_otc.psv"},
        storage=weekly.storage,
        settings=weekly.settings,
        clock=weekly.clock,
        run_id="run-1",
        notifier=notifier,
    )
    assert ended.state == "success"
    return ended.results["notify"].to_dict()


def test_a_summary_of_every_step_goes_to_the_channel_of_the_workflow(weekly: Weekly) -> None:
    listener = Listener()
    receipt = run(weekly, listener)
    [(text, channel)] = listener.heard
    assert (receipt["status"], receipt["sent"], channel) == ("done", True, "#data-ops")
    head, *lines = text.splitlines()
    assert head == "finra.weekly_refresh run-1"
    assert lines[0] == "- ingest: captured finra.otc_transparency:OTCE:2025-11-14: 20 rows, 0 rejects"
    assert [each.split(":")[0] for each in lines][:4] == ["- ingest", "- validate_ingest", "- normalize", "- aggregate"]


@pytest.mark.parametrize("notifier", [None, Listener(answer=False)])
def test_where_nobody_listens_the_log_has_it(
    weekly: Weekly, notifier: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        receipt = run(weekly, notifier)
    assert (receipt["sent"], receipt["message"]) == (False, "logged only: nobody is configured to listen")
    assert "captured finra.otc_transparency:OTCE:2025-11-14: 20 rows, 0 rejects" in caplog.text


def test_a_channel_that_is_down_does_not_fail_the_run(weekly: Weekly) -> None:
    receipt = run(weekly, Deaf())
    assert receipt["status"] == "failed_continue"
    assert "nobody there" in str(receipt["message"])
