"""Whether SQL text is one statement that only reads, as far as text can tell. A read-only transaction tells the rest."""

from __future__ import annotations

import re

from spine.core.errors import ConfigurationError, PermissionDenied

READING = ("SELECT", "WITH", "VALUES")
# What a statement's words are not looked for in: comments, strings, quoted names, dollar-quoted text.
_NOT_CODE = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$""",
    re.VERBOSE | re.DOTALL,
)


def reading_statement(sql: str) -> str:
    """The statement without a closing semicolon.

    :raises ConfigurationError: no statement, or several.
    :raises PermissionDenied: one that does not begin with SELECT, WITH or VALUES.
    """
    text = sql.strip().rstrip(";").rstrip()
    code = _NOT_CODE.sub(" ", text)
    if ";" in code:
        raise ConfigurationError("A database source runs one statement, and this text has several; keep one")
    word = re.match(r"[\s(]*(\w*)", code)
    first = word[1].upper() if word else ""
    if not first:
        raise ConfigurationError("The query is empty; expected one SELECT")
    if first not in READING:
        raise PermissionDenied(f"A database source only reads: the query begins with {first}; expected SELECT or WITH")
    return text
