"""SQL text: named parameters to a driver's own form, files into statements, placeholders for types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, zip_longest
from pathlib import Path
from string import Template

from spine.core.errors import ConfigurationError
from spine.storage.base import Dialect, Params

# What is not code (strings, quoted names, comments) is matched first, so a colon inside it is never a parameter.
_TOKEN = re.compile(
    r"""(?P<skip>'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | ::)
      | (?P<param>:[A-Za-z_]\w*) | (?P<end>;)""",
    re.VERBOSE | re.DOTALL,
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@lru_cache(maxsize=512)
def compile_sql(sql: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The text around its parameters, and the parameters' names: one name less than there are pieces of text.

    A name used twice is bound twice: PostgreSQL then settles the type of each use by itself.

    :raises ConfigurationError: more than one statement, of which SQLite would run only the first.
    """
    sql = _one_statement(sql)
    found = [match for match in _TOKEN.finditer(sql) if match["param"]]
    starts = [0, *(match.end() for match in found)]
    ends = [*(match.start() for match in found), len(sql)]
    pieces = tuple(sql[start:end] for start, end in zip(starts, ends, strict=True))
    return pieces, tuple(match["param"][1:] for match in found)


def bind_values(sql: str, dialect: Dialect, params: Params | None) -> tuple[str, tuple[object, ...]]:
    """Statement and values for a driver.

    :raises ConfigurationError: when a named parameter has no value.
    """
    pieces, names = compile_sql(sql)
    given = params or {}
    missing = [name for name in names if name not in given]
    if missing:
        raise ConfigurationError(
            f"SQL parameter {', '.join(sorted(set(missing)))} has no value in: {sql.strip()[:120]}"
        )
    values = tuple(given[name] for name in names)
    marks = [dialect.mark(number, value) for number, value in enumerate(values, start=1)]
    return "".join(chain.from_iterable(zip_longest(pieces, marks, fillvalue=""))), values


def subquery(sql: str) -> str:
    """A query in parentheses, whether it ends with a semicolon, a comment or neither."""
    return f"({_one_statement(sql)}\n)"


def _one_statement(sql: str) -> str:
    """Without the semicolon."""
    statements = list(split_statements(sql))
    if len(statements) > 1:
        raise ConfigurationError(f"one SQL statement at a time; there are more in: {sql.strip()[:120]}")
    return next(iter(statements), sql)


def split_statements(script: str) -> Iterator[str]:
    """The statements of a script, without their semicolons; quotes and comments are respected."""
    start = 0
    for match in _TOKEN.finditer(script):
        if match["end"]:
            yield from _statement(script[start : match.start()])
            start = match.end()
    yield from _statement(script[start:])


def _statement(text: str) -> Iterator[str]:
    if re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip():
        yield text.strip()


def first_word(sql: str) -> str:
    """The keyword a statement begins with, in capitals; '' for none."""
    code = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    found = re.match(r"[\s(]*(\w+)", code)
    return found[1].upper() if found else ""


def variant_for(path: Path, dialect: Dialect) -> Path:
    """``name.<dialect>.sql`` where it exists, else ``name.sql``."""
    variant = path.with_suffix(f".{dialect.name}.sql")
    return variant if variant.exists() else path


def read_sql(path: Path, dialect: Dialect, parts: Mapping[str, str] | None = None) -> str:
    """The text of a SQL file, or of its variant for a database; ``${decimal}`` and its like become its types.

    ``${no_table}`` ends a SELECT that reads no table.

    :param parts: further placeholders, and the SQL that each stands for.
    """
    chosen = variant_for(path, dialect)
    words = {**dialect.types, "no_table": dialect.no_table, **(parts or {})}
    try:
        return Template(chosen.read_text(encoding="utf-8")).substitute(words)
    except FileNotFoundError:
        raise ConfigurationError(f"SQL file {path} is missing; check [spine] include_dir") from None
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"SQL file {chosen}: unknown placeholder {error}; known: {sorted(words)}") from None


def checked_identifier(name: str) -> str:
    """A plain SQL identifier, for the few places where a name cannot be bound.

    :raises ConfigurationError: for anything else.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise ConfigurationError(f"{name!r} is not a plain SQL identifier")
    return name
