"""Files made to hurt are refused with a clear message, before they cost memory or time.

They are read in a process that the kernel stops above twenty seconds of its processor or a gigabyte of memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from spine.core.settings import Settings
from spine.workflows.loader import load_library
from tests.support.workflows import write

_READ = """
import sys
from pathlib import Path
from spine.documents.problems import DocumentError
from spine.workflows.loader import load_workflow
for path in sys.argv[1:]:
    try:
        load_workflow(Path(path))
        print(f"{path}: taken", flush=True)
    except DocumentError as error:
        print(str(error).splitlines()[0][:500], flush=True)
"""
_CPU_SECONDS, _BYTES = 20, 1 << 30
HEAD = b"name: x\nsteps: [{name: a, type: notify}]\n"


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))


def choice(condition: bytes) -> bytes:
    step = b"- {name: c, type: choice, condition: '" + condition + b"', then_step: a}\n"
    return b"name: x\nsteps:\n" + step + b"- {name: a, type: notify}"


def merges(levels: int) -> bytes:
    lines = ["m0: &m0 {k0: 1}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines).encode()


def bomb(levels: int) -> bytes:
    """Ten to the power of ``levels`` values in a few hundred bytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


HOSTILE = {
    "alias bomb": (bomb(12), "E017 more than 50000 values"),
    "alias bomb in params": (HEAD + b"params:\n  " + bomb(9).replace(b"\n", b"\n  "), "E017 more than 50000 values"),
    "alias that contains itself": (b"name: &a [*a]", "E017"),
    "merge that contains itself": (b"name: x\nsteps: &s\n  <<: *s\n", "E01"),
    "merges of merges": (merges(9), "E017 more than 50000 values"),
    "ten thousand levels of flow": (b"[" * 10_000, "E017 nested more than 40 levels deep"),
    "ten thousand levels of blocks": (b"\n".join(b" " * n + b"a:" for n in range(1_000)), "E017 nested more than 40"),
    "a hundred megabytes": (b"# " + b"x" * 100_000_000, "E010 the file is larger than 1000000 bytes"),
    "a python object": (b"name: !!python/object/apply:os.system [true]", "E017 the tag"),
    "a python name": (b"name: !!python/name:os.system ''", "E017 the tag"),
    "a tag of its own": (b"!boom {name: x}", "E017 the tag"),
    "a NUL byte": (b"name: x\0y\n", "E01"),
    "another encoding": ("name: x".encode("utf-16"), "E010 byte 0 is not UTF-8 text"),
    "half a character": (b"name: caf\xc3", "E010 byte 9 is not UTF-8 text"),
    "a key that is a mapping": (b"? {a: 1}\n: 2", "E014 the key is not text"),
    "a very long condition": (choice(b"not " * 5_000 + b"true"), "E024"),
    "a condition of many levels": (choice(b"(" * 400 + b"true" + b")" * 400), "E024"),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each file's first problem is."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {case: folder / f"{case.replace(' ', '_')}.yaml" for case in HOSTILE}
    for case, path in paths.items():
        path.write_bytes(HOSTILE[case][0])
    command = [sys.executable, "-c", _READ, *map(str, paths.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=_limited)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"ended at {list(HOSTILE)[len(lines)]}: {done.stderr[-1000:]}"
    return dict(zip(HOSTILE, lines, strict=True))


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_with_a_clear_message(case: str, told: dict[str, str]) -> None:
    assert HOSTILE[case][1] in told[case]


def test_the_siblings_of_a_hostile_file_load(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(bomb(12))
    write(tmp_path, HEAD.decode(), "good.yaml")
    library = load_library(tmp_path, Settings(include_dir=tmp_path, file_root=tmp_path).handler_packages)
    assert [workflow.name for workflow in library.workflows] == ["x"]
    assert [Path(error.path).name for error in library.errors] == ["bad.yaml"]
