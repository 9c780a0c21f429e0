"""Source types by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError
from spine.sources.file import FileSource
from spine.sources.registry import build_source, get_source_class, source_types


def test_file_is_a_source_type() -> None:
    assert "file" in source_types()
    assert get_source_class("file") is FileSource


def test_every_type_can_be_loaded() -> None:
    assert {get_source_class(name).source_type for name in source_types()} == set(source_types())


def test_an_unknown_type_is_an_error_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="Unknown source type 'fil'; did you mean 'file'"):
        get_source_class("fil")


def test_options_are_handed_on(tmp_path: Path) -> None:
    assert build_source("file", path="x.psv", root=tmp_path).name == "x.psv"


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no option 'delimeter'; did you mean 'delimiter'"):
        build_source("file", path="x.psv", root=tmp_path, delimeter="|")


def test_a_missing_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs path"):
        build_source("file", root=tmp_path)


@pytest.mark.parametrize(
    "source", ["'file', path='x.psv', root=None", "'http', url='https://127.0.0.1/x', paging='link'"]
)
def test_building_a_source_loads_nothing_heavy(source: str) -> None:
    code = (
        f"import sys; from spine.sources.registry import build_source; build_source({source});"
        "sys.exit(bool({'pyarrow', 'numpy', 'httpx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
