"""The small expression language of ``condition:`` and ``${...}``: read once, evaluated over params and outputs.

    not skip_rolling
    quality_score > 0.95
    params.tier == 'T1' and outputs.ingest.rows > 0

Python's parser reads it; only the constructs in ``_Evaluation`` exist. There is no call, no ``eval`` and no attribute
access: a dot looks a key up in a mapping and does nothing else. ``default(value, otherwise)`` stands for a value that may be
missing (of a step that was skipped, say) or null. ``not``, ``and`` and ``or`` take true or false only,
so that a forgotten comparison (``rows``, ``'false'``) is an error and not a silent yes.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean

MAX_LENGTH = 1000
MAX_DEPTH = 50

WORDS = {"true": True, "false": False, "null": None}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ALLOWED: tuple[type[ast.AST], ...] = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.BinOp),
    *(ast.Name, ast.Attribute, ast.Load, ast.Constant, ast.List, ast.Tuple),
    *_COMPARISONS,
    *_ARITHMETIC,
)


class ExpressionError(ConfigurationError):
    """An expression that cannot be read. ``offset`` counts characters from its start."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class MissingName(ConfigurationError):
    """Nothing has that name in this run."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean: ``params.x``, ``outputs.step.key``, and bare names.

    A bare name is the key of that name in the newest output that has it, else the parameter.

    :param outputs: receipts by step name, in the order of the steps.
    """

    params: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def lookup(self, name: str) -> Any:
        """:raises ConfigurationError: for a name nothing defines, naming what is defined."""
        if name in ("params", "outputs"):
            return getattr(self, name)
        for receipt in reversed(list(self.outputs.values())):
            if name in receipt:
                return receipt[name]
        if name in self.params:
            return self.params[name]
        raise MissingName(f"unknown name '{name}'; {did_you_mean(name, self._names())}")

    def _names(self) -> set[str]:
        return {"params", "outputs", *self.params, *(key for receipt in self.outputs.values() for key in receipt)}


@dataclass(frozen=True, slots=True)
class Expression:
    """A read expression. Make one with ``parse_expression``."""

    text: str
    tree: ast.expr
    indent: int = 0
    """Blanks before it, where it was written."""

    def value(self, scope: Scope) -> Any:
        """:raises ConfigurationError: unknown names, or values an operator cannot take."""
        try:
            return _Evaluation(scope).value(self.tree)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.text!r}: {error.message}", context=error.context) from None
        except (TypeError, ArithmeticError) as error:
            raise ConfigurationError(f"{self.text!r} cannot be computed: {error}") from error

    def truth(self, scope: Scope) -> bool:
        """The value of a condition. :raises ConfigurationError: also when it is neither true nor false."""
        return _truth(self.value(scope), self.text)


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Read an expression; each text once.

    :raises ExpressionError: not an expression, or one with constructs beyond the language.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0)
    source = text.strip()
    indent = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        offset = error.offset - 1 if error.offset else len(source)  # Python says 0 where the text ends too early
        raise ExpressionError(f"cannot be read: {error.msg}", indent + offset) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"cannot be read: {error}", 0) from None
    _refuse_foreign(tree.body, indent, indent, 0)
    return Expression(source, tree.body, indent)


def _refuse_foreign(node: ast.AST, indent: int, around: int, depth: int) -> None:
    """:param around: offset of the node's parent, for operators, which have none of their own."""
    offset = indent + node.col_offset if isinstance(node, ast.expr) else around
    if depth > MAX_DEPTH:
        raise ExpressionError(f"nested more than {MAX_DEPTH} levels deep", offset)
    if isinstance(node, ast.Call):
        _refuse_foreign_call(node, offset)
    elif not isinstance(node, _ALLOWED):
        raise ExpressionError(f"{_described(node)} is not part of the expression language", offset)
    if isinstance(node, ast.Constant) and not isinstance(node.value, (str, int, float, bool, type(None))):
        raise ExpressionError(f"{node.value!r} is not text, a number, true, false or null", offset)
    for child in ast.iter_child_nodes(node):
        _refuse_foreign(child, indent, offset, depth + 1)


def _refuse_foreign_call(node: ast.Call, offset: int) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name != "default":
        raise ExpressionError("the only call is default(value, otherwise)", offset)
    if len(node.args) != 2 or node.keywords:
        raise ExpressionError("default takes two values: default(value, otherwise)", offset)


def _described(node: ast.AST) -> str:
    known = {ast.Subscript: "an index", ast.Is: "'is' (write ==)", ast.IsNot: "'is not' (write !=)"}
    return known.get(type(node), f"'{type(node).__name__}'")


class _Evaluation:
    """One evaluation: a method for each kind of node."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def value(self, node: ast.expr) -> Any:
        compute: Callable[[Any], Any] = getattr(self, f"_{type(node).__name__.lower()}")
        return compute(node)

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        return WORDS[node.id] if node.id in WORDS else self.scope.lookup(node.id)

    def _attribute(self, node: ast.Attribute) -> Any:
        owner, path = self.value(node.value), ast.unparse(node.value)
        if not isinstance(owner, Mapping):
            raise ConfigurationError(f"'{path}' is {_shown(owner)}, which has no '{node.attr}'")
        if node.attr not in owner:
            raise MissingName(f"'{path}' has no '{node.attr}'; {did_you_mean(node.attr, map(str, owner))}")
        return owner[node.attr]

    def _list(self, node: ast.List) -> list[Any]:
        return [self.value(item) for item in node.elts]

    _tuple = _list

    def _call(self, node: ast.Call) -> Any:
        try:
            value = self.value(node.args[0])
        except MissingName:
            value = None
        return self.value(node.args[1]) if value is None else value

    def _boolop(self, node: ast.BoolOp) -> bool:
        decisive = isinstance(node.op, ast.Or)
        return decisive if any(self._truth(part) is decisive for part in node.values) else not decisive

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return not self._truth(node.operand)
        return -self._number(node.operand)

    def _compare(self, node: ast.Compare) -> bool:
        left = self.value(node.left)
        for comparison, operand in zip(node.ops, node.comparators, strict=True):
            right = self.value(operand)
            if not _COMPARISONS[type(comparison)](left, right):
                return False
            left = right
        return True

    def _binop(self, node: ast.BinOp) -> Any:
        return _ARITHMETIC[type(node.op)](self._number(node.left), self._number(node.right))

    def _truth(self, node: ast.expr) -> bool:
        return _truth(self.value(node), ast.unparse(node))

    def _number(self, node: ast.expr) -> Any:
        value = self.value(node)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigurationError(f"'{ast.unparse(node)}' is {_shown(value)}, expected a number")
        return value


def _truth(value: Any, text: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"'{text}' is {_shown(value)}, expected true or false; compare it with something")
    return value


def _shown(value: Any) -> str:
    return "null" if value is None else f"{type(value).__name__} {value!r:.60}"
