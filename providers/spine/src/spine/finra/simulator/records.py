"""Rows as an answer: the page, and the headers that say where in the whole it lies."""

from __future__ import annotations

from spine.finra.simulator.faults import Fault, FaultKind
from spine.finra.simulator.messages import JSON, Answer, Headers
from spine.finra.simulator.options import EmptyAnswer, HeaderStyle, SimulatorOptions
from spine.finra.simulator.pages import Page, Result
from spine.finra.simulator.query import Query
from spine.finra.simulator.render import Form, JsonForm, TextForm


def form_of(query: Query, result: Result, options: SimulatorOptions) -> Form:
    """JSON names fields in the dataset's order, text in the order asked for."""
    asked = [field.name for field in query.fields or query.dataset.fields if field.name in result.table.column_names]
    if query.accept == JSON:
        return JsonForm(tuple(field.name for field in query.dataset.fields if field.name in asked))
    quoted = options.quote_values if query.quote_values is None else query.quote_values
    return TextForm(tuple(asked), query.delimiter, quoted)


def page_answer(query: Query, result: Result, options: SimulatorOptions, fault: Fault | None) -> Answer:
    """One synchronous page, bent by ``fault`` where there is one."""
    form, offset, total = form_of(query, result, options), query.offset, result.total
    if fault is not None:
        early = fault.kind is not FaultKind.WRONG_TOTAL
        offset = max(0, offset - fault.rows) if early else offset
        total += 0 if fault.kind is FaultKind.DUPLICATE_ROWS else fault.rows
    page = result.page(form, offset, query.limit, options.payload_limit)
    headers = spelled(_record_headers(query, page, total, options), options.header_style)
    if page.rows:
        return Answer(200, query.accept, page.body, headers, page.rows, fault)
    if options.empty_answer is EmptyAnswer.NO_CONTENT:
        return Answer(204, headers=headers, rows=0, fault=fault)
    return Answer(200, query.accept, _nothing(query, form), headers, 0, fault)


def full_answer(query: Query, result: Result, options: SimulatorOptions) -> Answer:
    """The result of an asynchronous request: as many rows as were asked for, in one file."""
    form = form_of(query, result, options)
    page = result.page(form, query.offset, query.limit)
    return Answer(200, query.accept, page.body if page.rows else _nothing(query, form), rows=page.rows)


def _nothing(query: Query, form: Form) -> bytes:
    return form.opening() + (form.closing() if query.accept == JSON else b"")


def spelled(headers: Headers, style: HeaderStyle) -> Headers:
    return headers if style is HeaderStyle.CAPITALISED else tuple((name.lower(), value) for name, value in headers)


def _record_headers(query: Query, page: Page, total: int, options: SimulatorOptions) -> Headers:
    return (
        ("Record-Total", str(total)),
        ("Record-Offset", str(query.offset)),
        ("Record-Limit", str(query.limit)),
        ("Record-Max-Limit", str(query.max_limit)),
        ("Response-Payload-Max-Size", f"{options.payload_limit // 1_000_000}mb"),
        ("Total-Records-On-Page", str(page.rows) if options.page_count_header else ""),
    )
