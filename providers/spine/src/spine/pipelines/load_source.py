"""From a declared source to one that can be read: connections looked up, folders and databases supplied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spine.core.errors import ConfigurationError
from spine.core.guards import breaker_of
from spine.pipelines.connections import ConnectionDetails
from spine.pipelines.context import StepContext

if TYPE_CHECKING:
    from spine.pipelines.load_spec import SourceSpec
    from spine.sources.base import Source

# What only Spine itself may set: credentials live in connections, the rest follows from the run.
_RESERVED = ("auth", "root", "storage", "etag", "last_modified", "retry")
_AUTH_TYPES = ("api_key", "bearer", "basic", "none")


@contextmanager
def open_source(
    spec: SourceSpec, context: StepContext, *, fields: list[str], known: Mapping[str, str]
) -> Iterator[Source]:
    """
    :param fields: what columns are read from; JSON sources read these keys unless told otherwise.
    :param known: ``etag`` and ``last_modified`` of an earlier reading, for sources that can use them.
    :raises ConfigurationError: an option that is unknown, missing or not for people to set.
    """
    from spine.sources.registry import build_source

    options = spec.options
    for option in _RESERVED:
        if option in options:
            raise ConfigurationError(f"source: '{option}' cannot be set here; logins belong in a connection")
    if spec.type != "database" and not {"keys", "columns", "fields"} & options.keys() and fields:
        options["keys"] = fields
    match spec.type:
        case "file":
            yield build_source("file", root=context.settings.file_root, **options)
        case "http":
            yield build_source("http", **_http_options(spec, options, context), **known)
        case "database" if spec.connection is None:
            yield build_source("database", storage=context.storage, **_query_options(options, context))
        case "database":
            with context.connections.storage(spec.connection) as storage:
                yield build_source("database", storage=storage, **_query_options(options, context))


def guarded(spec: SourceSpec, source: Source, context: StepContext) -> AbstractContextManager[object]:
    """The guard before one pull from the source, all its pages; files and the domain database have none."""
    if spec.type == "file" or (spec.type == "database" and spec.connection is None):
        return nullcontext()
    details = context.connections.details(spec.connection) if spec.connection else None
    limits = breaker_of(details.extra, details.conn_id) if details else {}
    name = f"http:{urlsplit(source.name).netloc}" if spec.type == "http" else f"database:{spec.connection}"
    return context.guards.guard(name, limits)


def connection_options(details: ConnectionDetails) -> dict[str, Any]:
    """URL and login of an HTTP connection, filled in as Airflow's own HTTP connections are.

    Extras: ``auth`` (api_key, bearer, basic, none; told by what is there when left out), ``api_key``, ``api_key_header``,
    ``token``, ``headers``, ``timeout``, ``other_origins``.
    """
    extra = details.extra
    found: dict[str, Any] = {"url": _base_url(details), "auth": _auth(details)}
    found |= {name: extra[name] for name in ("headers", "other_origins") if name in extra}
    if "timeout" in extra:
        found["timeout"] = float(extra["timeout"])
    return found


def _http_options(spec: SourceSpec, options: Mapping[str, Any], context: StepContext) -> dict[str, Any]:
    given = dict(options)
    path = given.pop("path", None)
    if spec.connection is None:
        if path is not None:
            raise ConfigurationError("source: 'path' goes with 'connection'; give the whole 'url' without one")
        return given
    if "url" in given:
        raise ConfigurationError(
            "source: 'url' and 'connection' exclude each other: a login is for its own server only"
        )
    found = connection_options(context.connections.details(spec.connection))
    if path:
        found["url"] = f"{found['url'].rstrip('/')}/{str(path).lstrip('/')}"
    headers = {**found.pop("headers", {}), **given.pop("headers", {})}
    return {**found, **given, "headers": headers}


def _base_url(details: ConnectionDetails) -> str:
    if not details.host:
        raise ConfigurationError(f"connection '{details.conn_id}' has no host; put the server's URL there")
    if "://" in details.host:
        base, _, rest = details.host.partition("://")
        host, slash, path = rest.partition("/")
        port = f":{details.port}" if details.port and ":" not in host.rpartition("]")[2] else ""
        return f"{base}://{host}{port}{slash}{path}"
    port = f":{details.port}" if details.port else ""
    return f"{details.schema or 'http'}://{details.host}{port}"


def _auth(details: ConnectionDetails) -> dict[str, Any] | None:
    extra = details.extra
    key, token = extra.get("api_key"), extra.get("token")
    told = "api_key" if key else "bearer" if token else "basic" if details.login else "none"
    if not details.login and details.password and told == "none":
        told = "bearer"
    kind = str(extra.get("auth") or told)
    match kind:
        case "api_key":
            header = {"header": extra["api_key_header"]} if extra.get("api_key_header") else {}
            return {"type": kind, "value": key or details.password, **header}
        case "bearer":
            return {"type": kind, "token": token or details.password}
        case "basic":
            return {"type": kind, "user": details.login, "password": details.password}
        case "none":
            return None
        case _:
            raise ConfigurationError(
                f"connection '{details.conn_id}': auth is '{kind}'; expected {', '.join(_AUTH_TYPES)}"
            )


def _query_options(options: Mapping[str, Any], context: StepContext) -> dict[str, Any]:
    """``query_file``, below the SQL folder, instead of ``query``."""
    given = dict(options)
    file = given.pop("query_file", None)
    if file is None:
        return given
    if "query" in given:
        raise ConfigurationError("source: give 'query' or 'query_file', not both")
    from spine.sources.paths import resolve_inside

    path = resolve_inside(str(file), context.settings.sql_dir)
    try:
        return {**given, "query": path.read_text(encoding="utf-8")}
    except OSError as error:
        raise ConfigurationError(f"source: query_file {file} cannot be read: {error.strerror}") from error
