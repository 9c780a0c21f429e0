"""A canary in a workflow file: refused where a key or a URL tells that it is a secret, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.workflows import problems_of, write

CANARY = "hunter2-canary"
STEP = "{{name: a, type: lambda, handler: tests.support.workflows.echo, config: {config}}}"


@pytest.mark.parametrize(
    "config",
    [
        f"{{password: {CANARY}}}",
        f"{{source: {{auth: {{client-secret: {CANARY}}}}}}}",
        f"{{rows: [{{access_token: {CANARY}}}]}}",
        f"{{API_KEY: {CANARY}}}",
        f'{{url: "https://ann:{CANARY}@example.org/x"}}',
    ],
)
def test_a_secret_among_a_steps_values_is_refused(config: str, tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path, f"name: x\nsteps: [{STEP.format(config=config)}]"))
    assert " E018 " in problem
    assert "put it in a connection" in problem
    assert CANARY not in problem


@pytest.mark.parametrize(
    "params",
    [
        f"params: {{token: {{type: string, default: {CANARY}}}}}",
        f"defaults: {{token: {CANARY}}}",
        f"params: {{token: {{}}}}\nschedules: [{{name: s, enabled: false, params: {{token: {CANARY}}}}}]",
    ],
)
def test_a_secret_as_a_default_is_refused(params: str, tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, f"name: x\n{params}\nsteps: [{STEP.format(config='{}')}]"))
    assert any(" E018 the value of 'token'" in problem for problem in found)
    assert CANARY not in "".join(found)


@pytest.mark.parametrize(
    "config",
    [
        "{password: '${params.p}'}",
        "{token: ''}",
        "{tokens: 5, token_url: https://example.org, secret: null, password: {a: 1}}",
        "{url: 'https://example.org:8080/a@b', mail: ann@example.org}",
    ],
)
def test_what_only_looks_like_one_is_not(config: str, tmp_path: Path) -> None:
    text = f"name: x\nparams: {{p: {{}}}}\nsteps: [{STEP.format(config=config)}]"
    assert problems_of(write(tmp_path, text)) == []
