"""One workflow with every type of step and most keys of the language."""

from __future__ import annotations

EVERY_STEP = """
    name: all.of_it
    description: |
      First line.

      More: with "quotes", 'these' and a ${reference}.
    owner: ann
    tags: [z, a]
    timeout: 90m
    alerts: {on_failure: ["#ops"], on_success: tell}
    params:
      day: {type: [string, "null"], format: date}
      sure: {type: boolean, default: true}
      ratio: {type: number, default: 0.25}
    defaults: {plain: "007"}
    schedules: [{name: nightly, cron: "0 6 * * *", params: {day: "2026-10-30"}, enabled: false}]
    steps:
      - {name: wait, type: wait, duration: 90s, on_error: continue}
      - {name: gate, type: gate, checks: ["params.sure", {check: params.ratio < 1, severity: warn, message: "No: 1"}]}
      - name: way
        type: choice
        cases: [{when: params.sure, then: each}, {when: not params.sure, then: ask}]
      - name: each
        type: map
        items: [T1, {a: 1}, 2.5]
        max_concurrency: 2
        depends_on: [way]
        steps: [{name: one, type: pipeline, pipeline: test.ok, on_error: retry, retry: {"on": [TIMEOUT], backoff: linear}}]
      - {name: ask, type: approval, subject: Sure?, timeout: 1d, default: reject, depends_on: [way], approvers: [ann]}
      - {name: tell, type: notify, message: "line one\\nline two\\n", depends_on: [], produces: [a.b]}
      - {name: call, type: lambda, handler: tests.support.workflows.echo, config: {b: [[1, 2], []], a: {x: null}, no: "no"}}
    """
