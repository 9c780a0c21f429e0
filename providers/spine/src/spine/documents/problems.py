"""What can be wrong with a workflow file, and how it is told: every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from spine.core.errors import ConfigurationError


class Code(StrEnum):
    """Stable identifiers of problems: people search and test by them. ``W`` is a warning: the workflow can be used."""

    NO_STEPS = "E001"
    LAMBDA_WITHOUT_HANDLER = "E002"
    CHOICE_WITHOUT_CONDITION = "E003"
    PIPELINE_STEP_WITHOUT_PIPELINE = "E004"
    KEY_DOES_NOT_FIT = "E005"
    UNREADABLE = "E010"
    NOT_YAML = "E011"
    UNKNOWN_KEY = "E012"
    MISSING_KEY = "E013"
    WRONG_TYPE = "E014"
    VALUE_NOT_ALLOWED = "E015"
    DUPLICATE_KEY = "E016"
    UNSAFE_YAML = "E017"
    SECRET = "E018"
    DUPLICATE_STEP = "E020"
    UNKNOWN_PIPELINE = "E021"
    HANDLER_NOT_FOUND = "E022"
    HANDLER_NOT_ALLOWED = "E023"
    BAD_EXPRESSION = "E024"
    WRONG_EXPRESSION = "E025"
    UNKNOWN_STEP = "E030"
    CYCLE = "E031"
    BACKWARD_JUMP = "E032"
    UNREACHABLE_STEP = "E033"
    TANGLED_CHOICE = "E034"
    NESTED_TOO_DEEP = "E035"
    DUPLICATE_WORKFLOW = "E040"
    BAD_PARAM = "E041"
    DUPLICATE_SCHEDULE = "E042"
    BAD_SCHEDULE = "E043"
    NOT_BUILT = "E044"
    BOTH_WAYS_RUN = "W001"
    LEADS_NOWHERE = "W002"
    LONG_CHAIN = "W003"

    @property
    def is_warning(self) -> bool:
        return self.value.startswith("W")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to repair. Lines and columns count from 1, as editors do."""

    path: str
    line: int
    column: int
    code: Code
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column} {self.code} {self.message}"
        return f"{text}; {self.suggestion}" if self.suggestion else text


class DocumentError(ConfigurationError):
    """A workflow file that cannot be used. ``problems`` holds all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        self.path = self.problems[0].path
        super().__init__("\n".join(map(str, self.problems)), context={"path": self.path})

    def __str__(self) -> str:
        return self.message
