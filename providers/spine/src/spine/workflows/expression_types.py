"""What kind of value an expression gives, as far as the params' schemas and the steps' declared outputs tell.

Types are JSON Schema's. What nothing is known about fits everywhere: only what must fail is a problem.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spine.core.suggest import did_you_mean
from spine.workflows.conditions import WORDS, Expression

Type = frozenset[str]
ANY: Type = frozenset(("string", "number", "boolean", "array", "object", "null"))
BOOLEAN: Type = frozenset(("boolean",))
NUMBER: Type = frozenset(("number",))
_ORDERED: Type = frozenset(("string", "number"))
_NO_STEP = "names no step"
_CONTAINERS: Type = frozenset(("string", "array", "object"))


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """``offset`` counts characters from the start of the expression's text as it was written."""

    offset: int
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value.

    :param words: the only ones it can be, where that is known.
    """

    type: Type = ANY
    words: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name.

    :param params: by name.
    :param outputs: of the steps that come before, in order; None for one whose outputs nobody declared.
    :param later: the other steps, whose outputs are not there yet.
    """

    params: Mapping[str, Value]
    outputs: Mapping[str, Mapping[str, Value] | None] = field(default_factory=dict)
    later: frozenset[str] = frozenset()


def schema_value(schema: Mapping[str, Any]) -> Value:
    """What a JSON Schema says of a value."""
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if words:
        return Value(frozenset(map(_type_of, words)), tuple(words))
    if "anyOf" in schema:
        return Value(frozenset().union(*(schema_value(each).type for each in schema["anyOf"])))
    given = schema.get("type")
    if not given:
        return Value()
    return named_types([given] if isinstance(given, str) else given)


def named_types(names: Iterable[str]) -> Value:
    """A value of one of these JSON Schema types; an integer is a number."""
    return Value(frozenset("number" if name == "integer" else name for name in names) & ANY)


def type_problems(expression: Expression, names: Names, *, condition: bool) -> list[TypeProblem]:
    """Everything in an expression that cannot work.

    :param condition: whether it must be true or false.
    """
    typing = _Typing(names, expression.indent)
    found = typing.value(expression.tree)
    if condition and not found.type & BOOLEAN:
        typing.add(expression.tree, f"is {_words(found)}, expected true or false; compare it with something")
    return typing.problems


class _Typing:
    """One pass over an expression: a method for each kind of node."""

    def __init__(self, names: Names, indent: int) -> None:
        self.names, self.indent = names, indent
        self.problems: list[TypeProblem] = []

    def add(self, node: ast.expr, message: str, suggestion: str = "") -> None:
        text = ast.unparse(node)
        shown = text if isinstance(node, ast.Constant) else f"'{text}'"
        self.problems.append(TypeProblem(self.indent + node.col_offset, f"{shown} {message}", suggestion))

    @staticmethod
    def _known(name: str, known: Iterable[str]) -> str:
        return did_you_mean(name, known) if known else "none is declared"

    def value(self, node: ast.expr) -> Value:
        known: Callable[[Any], Value] = getattr(self, f"_{type(node).__name__.lower()}")
        return known(node)

    def _constant(self, node: ast.Constant) -> Value:
        return Value(frozenset((_type_of(node.value),)), (node.value,))

    def _name(self, node: ast.Name) -> Value:
        if node.id in WORDS:
            return Value(frozenset((_type_of(WORDS[node.id]),)), (WORDS[node.id],))
        if node.id in ("params", "outputs"):
            return Value(frozenset(("object",)))
        receipts = list(self.names.outputs.values())
        if None in receipts:
            return Value()  # it may be an output of a step that does not say what it gives
        for receipt in reversed(receipts):
            if receipt is not None and node.id in receipt:
                return receipt[node.id]
        if node.id in self.names.params:
            return self.names.params[node.id]
        known = {"params", "outputs", *self.names.params, *(key for receipt in receipts for key in receipt or ())}
        self.add(node, "is unknown", did_you_mean(node.id, known))
        return Value()

    def _attribute(self, node: ast.Attribute) -> Value:
        path = _path(node)
        if path[:1] == ["params"] and len(path) > 1:
            return self._param(node, path)
        if path[:1] == ["outputs"] and len(path) > 1:
            return self._output(node, path)
        owner = self.value(node.value)
        if not owner.type & {"object"}:
            self.add(node.value, f"is {_words(owner)}, which has no '{node.attr}'")
        return Value()

    def _param(self, node: ast.Attribute, path: list[str]) -> Value:
        if path[1] not in self.names.params:
            self.add(node, "names no param of the workflow", self._known(path[1], self.names.params))
            return Value()
        return self.names.params[path[1]] if len(path) == 2 else Value()

    def _output(self, node: ast.Attribute, path: list[str]) -> Value:
        name = path[1]
        if name in self.names.later:
            self.add(node, f"step '{name}' does not lead here, so it has no outputs yet")
        elif name not in self.names.outputs:
            self.add(node, f"{_NO_STEP} '{name}'", self._known(name, {*self.names.outputs, *self.names.later}))
        receipt = self.names.outputs.get(name)
        if len(path) == 2:
            return Value(frozenset(("object",)))
        if receipt is None:
            return Value()
        if path[2] not in receipt:
            self.add(node, f"step '{name}' gives no '{path[2]}'", did_you_mean(path[2], receipt))
            return Value()
        return receipt[path[2]] if len(path) == 3 else Value()

    def _list(self, node: ast.List | ast.Tuple) -> Value:
        for item in node.elts:
            self.value(item)
        return Value(frozenset(("array",)))

    _tuple = _list

    def _call(self, node: ast.Call) -> Value:
        """``default(value, otherwise)``: here, unlike elsewhere, the value may be missing."""
        quiet = _Typing(self.names, self.indent)
        value, otherwise = quiet.value(node.args[0]), self.value(node.args[1])
        self.problems += [problem for problem in quiet.problems if _NO_STEP in problem.message]
        return Value(value.type - {"null"} | otherwise.type)

    def _boolop(self, node: ast.BoolOp) -> Value:
        for part in node.values:
            self._require(part, BOOLEAN, "true or false")
        return Value(BOOLEAN)

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            self._require(node.operand, BOOLEAN, "true or false")
            return Value(BOOLEAN)
        self._require(node.operand, NUMBER, "a number")
        return Value(NUMBER)

    def _binop(self, node: ast.BinOp) -> Value:
        for part in (node.left, node.right):
            self._require(part, NUMBER, "a number")
        return Value(NUMBER)

    def _compare(self, node: ast.Compare) -> Value:
        left = node.left
        for comparison, right in zip(node.ops, node.comparators, strict=True):
            self._compared(node, left, comparison, right)
            left = right
        return Value(BOOLEAN)

    def _compared(self, node: ast.Compare, left: ast.expr, comparison: ast.cmpop, right: ast.expr) -> None:
        a, b = self.value(left), self.value(right)
        if isinstance(comparison, ast.In | ast.NotIn):
            if not b.type & _CONTAINERS:
                self.add(right, f"is {_words(b)}, expected a list or text")
        elif not a.type & b.type:
            self.add(node, f"compares {_words(a)} with {_words(b)}, which are never equal")
        elif isinstance(comparison, ast.Eq | ast.NotEq):
            self._require_possible(left, right, b)
            self._require_possible(right, left, a)
        elif not a.type & b.type & _ORDERED:
            self.add(node, f"orders {_words(a)}; only numbers and texts have an order")

    def _require_possible(self, literal: ast.expr, other: ast.expr, of: Value) -> None:
        """A literal must be one of the words that the other side can be."""
        if not isinstance(literal, ast.Constant) or isinstance(other, ast.Constant) or of.words is None:
            return
        if literal.value not in of.words:
            suggestion = did_you_mean(str(literal.value), map(str, of.words))
            self.add(literal, "is none of the values it is compared with", suggestion)

    def _require(self, node: ast.expr, kind: Type, label: str) -> None:
        found = self.value(node)
        if not found.type & kind:
            self.add(node, f"is {_words(found)}, expected {label}")


def _path(node: ast.expr) -> list[str]:
    """``outputs.a.b`` as its names; empty for anything but names with dots."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (owner := _path(node.value)):
        return [*owner, node.attr]
    return []


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    kinds: Iterator[tuple[type | tuple[type, ...], str]] = iter(
        ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "array"))
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")


def _words(value: Value) -> str:
    if value.words is not None and len(value.words) == 1:
        return "null" if value.words[0] is None else repr(value.words[0])
    names = {
        "string": "text",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
        "object": "a mapping",
    }
    return " or ".join(sorted(names.get(name, name) for name in value.type))
