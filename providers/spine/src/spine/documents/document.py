"""A YAML file as plain values that still know their line and column. Safe loader only; sizes are limited.

Scalars follow YAML 1.2's JSON-like core: a date, ``yes`` and ``0123`` stay text, so what a person wrote is what a
step receives and every value can travel as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from spine.documents.problems import Code, DocumentError, Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 40  # libyaml's composer recurses on the C stack: far deeper documents crash the process
MAX_VALUES = 50_000  # counted with every alias expanded

_TAG = "tag:yaml.org,2002:"
_RESOLVERS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+][0-9]+)", list("-+0123456789")),
    ("merge", r"<<", ["<"]),
)
_ALLOWED_TAGS = frozenset(_TAG + name for name in ("str", "null", "bool", "int", "float", "seq", "map", "merge"))


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's name, and its stubs say an instance variable


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


Place = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

_START = yaml.Mark("", 0, 0, 0, "", 0)


@dataclass(slots=True)
class Document:
    """The values of one file, and where each of them stands.

    :param value: dicts, lists, text, numbers, booleans and None.
    :param problems: what is wrong with it so far; readers and checks add theirs.
    :param steps: where each step stands that could be read, by the names that lead to it (a map's name, then its own).
    :param schedules: index in the file of every schedule that could be read.
    """

    path: Path
    text: str
    root: yaml.Node
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    steps: dict[tuple[str, ...], Place] = field(default_factory=dict)
    schedules: dict[str, int] = field(default_factory=dict)

    def add(self, code: Code, message: str, *where: str | int, suggestion: str = "", of_key: bool = False) -> None:
        """Note a problem with the value at ``where`` (``"steps", 3, "pipeline"``), or with its key."""
        mark = self._find(where, of_key).start_mark
        self.problems.append(_problem(self.path, mark, code, message, suggestion))

    def add_inside(self, code: Code, message: str, *where: str | int, offset: int, suggestion: str = "") -> None:
        """Note a problem ``offset`` characters into the text at ``where``."""
        node = self._find(where, False)
        style = getattr(node, "style", None)
        one_line = node.start_mark.line == node.end_mark.line
        column = node.start_mark.column + (offset + (style is not None) if one_line else 0)
        self.problems.append(Problem(str(self.path), node.start_mark.line + 1, column + 1, code, message, suggestion))

    def line(self, *where: str | int) -> int:
        """The line of the value at ``where``, from 1."""
        return int(self._find(where, False).start_mark.line) + 1

    def raise_problems(self) -> None:
        """:raises DocumentError: when there are any beside warnings."""
        errors = [problem for problem in self.problems if not problem.code.is_warning]
        if errors:
            raise DocumentError(errors)

    def _find(self, where: tuple[str | int, ...], of_key: bool) -> yaml.Node:
        """The node at ``where``, or the nearest one around it when the path is not in the file."""
        node: yaml.Node = self.root
        for part in where:
            key, child = _child(node, part)
            if child is None:
                return node
            node = key if of_key and part == where[-1] and key is not None else child
        return node


def read_document(path: Path) -> Document:
    """Read a file.

    :raises DocumentError: unreadable, too large, not YAML, or YAML that is not plain values.
    """
    return parse_document(path, read_text(path))


def parse_document(path: Path, text: str) -> Document:
    """The same for a file whose text is known."""
    try:
        _refuse_depth(path, text)
        loader = _Loader(text)
        root = loader.get_single_node() or yaml.ScalarNode(_TAG + "null", "", _START)
        document = Document(path, text, root)
        _Inspection(document).inspect(root)
        if any(problem.code is not Code.DUPLICATE_KEY for problem in document.problems):
            document.raise_problems()  # the others cannot become plain values
        document.value = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError([_problem(path, mark, Code.NOT_YAML, f"not YAML: {error.problem}", "")]) from error
    except yaml.YAMLError as error:
        raise _unreadable(path, f"not YAML: {str(error).splitlines()[0]}") from error
    return document


def read_text(path: Path) -> str:
    """:raises DocumentError: the file cannot be read, is too large, or no UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _unreadable(path, f"the file is larger than {MAX_BYTES} bytes, the most a workflow may have")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start} is not UTF-8 text") from error


def _refuse_depth(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                message = f"nested more than {MAX_DEPTH} levels deep"
                raise DocumentError([_problem(path, event.start_mark, Code.UNSAFE_YAML, message, "")])


class _Inspection:
    """One walk over the nodes: duplicate keys, keys that are not text, tags, and what aliases expand to."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.sizes: dict[int, int] = {}

    def inspect(self, node: yaml.Node) -> int:
        """How many values the node holds, with aliases expanded."""
        known = self.sizes.get(id(node))
        if known is not None:
            return known
        self.sizes[id(node)] = MAX_VALUES + 1  # stands until the walk is back: an alias into itself is endless
        if node.tag not in _ALLOWED_TAGS:
            self._note(node, Code.UNSAFE_YAML, f"the tag {node.tag!r} is not allowed; write plain values")
        if isinstance(node, yaml.MappingNode):
            self._inspect_keys(node)
        size = 1 + sum(self.inspect(child) for child in _values(node))
        if size > MAX_VALUES:
            self._refuse_size(node)
        self.sizes[id(node)] = size
        return size

    def _inspect_keys(self, node: yaml.MappingNode) -> None:
        seen: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            if key.tag == _TAG + "merge":
                continue
            if key.tag != _TAG + "str":
                written = f" {key.value!r}" if isinstance(key, yaml.ScalarNode) else ""
                self._note(key, Code.WRONG_TYPE, f"the key{written} is not text", "put it in quotes")
            elif key.value in seen:
                first = seen[key.value].line + 1
                self._note(key, Code.DUPLICATE_KEY, f"the key '{key.value}' is already on line {first}")
            else:
                seen[key.value] = key.start_mark

    def _refuse_size(self, node: yaml.Node) -> None:
        message = f"more than {MAX_VALUES} values, or an alias that contains itself"
        raise DocumentError([_problem(self.document.path, node.start_mark, Code.UNSAFE_YAML, message, "")])

    def _note(self, node: yaml.Node, code: Code, message: str, suggestion: str = "") -> None:
        self.document.problems.append(_problem(self.document.path, node.start_mark, code, message, suggestion))


def _values(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (value for _, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    if isinstance(node, yaml.MappingNode):
        # The last one wins: keys merged in by `<<` stand before the mapping's own.
        return next(((key, value) for key, value in reversed(node.value) if key.value == part), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    return None, None


def _problem(path: Path, mark: Any, code: Code, message: str, suggestion: str) -> Problem:
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(str(path), line, column, code, message, suggestion)


def _unreadable(path: Path, message: str) -> DocumentError:
    return DocumentError([Problem(str(path), 1, 1, Code.UNREADABLE, message)])
