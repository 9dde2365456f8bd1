"""Whenever the converter is killed or the disk fails, the output is absent, the old bundle, or the new one, whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from kconvert.cli.convert import main
from kconvert_schemas import BundleError, read_bundle, replacing
from tests.faults.forked import Ended, start
from tests.faults.hook import Fault, Hook, disk_fails, disk_full, kill
from tests.helpers import KERNEL, dense_file, layer_config, sequential_config, write_keras

resource = pytest.importorskip("resource", reason="this system has no such limits, nor fork")
FILES = ("graph.json", "weights.npz")
MOST_CALLS = 100
MEMORY = "/dev/shm"
"""A disk in memory, where syncing takes no time."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that others may read, with two models."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as name:
        folder = Path(name)
        folder.chmod(0o755)
        dense_file(folder / "old.keras")
        config = sequential_config(layer_config("Dense", "dense", units=3, use_bias=False))
        write_keras(folder / "new.keras", config, {"layers/dense/vars/0": KERNEL + 1})
        (folder / "work").mkdir()
        yield folder


def content(bundle: Path) -> tuple[bytes, ...] | None:
    """The bytes of a bundle, None where there is none."""
    return tuple((bundle / name).read_bytes() for name in FILES) if bundle.exists() else None


def converted(place: Path, model: str, hook: Hook | None = None, before: Callable[[], object] | None = None) -> int:
    if hook:
        hook.install()
    if before:
        before()
    code = main([str(place / model), str(place / "work" / "out")])
    return 50 if hook and hook.at >= len(hook.calls) else code


def reference(place: Path, model: str) -> tuple[bytes, ...]:
    main([str(place / model), str(place / "reference")])
    found = content(place / "reference")
    assert found
    return found


def outcomes(place: Path, fault: Fault, *, over: bool, on: bool = False) -> Iterator[tuple[int, Ended]]:
    """Let the fault happen before the first call, the second, ... until the converter gets through without one."""
    for at in range(MOST_CALLS):
        shutil.rmtree(place / "work")
        (place / "work").mkdir()
        if over:
            converted(place, "old.keras")
        ended = start(partial(converted, place, "new.keras", Hook(at, fault, on=on))).wait()
        if ended.code == 50:
            return
        yield at, ended
    pytest.fail("the converter changes the disk too often")


@pytest.mark.parametrize("over", [False, True])
def test_killed_before_each_call(place: Path, over: bool) -> None:
    new, old = reference(place, "new.keras"), reference(place, "old.keras")
    out, seen = place / "work" / "out", []
    for at, ended in outcomes(place, kill, over=over):
        assert ended.code == -9, (at, ended)
        found = content(out)
        assert found in (old if over else None, new), at
        seen.append(found == new)
        if found:
            read_bundle(out, verify=True)
        assert converted(place, "new.keras") == 0
        assert content(out) == new
    assert len(seen) > 10 and seen == sorted(seen) and True in seen


def test_killed_where_folders_cannot_be_exchanged(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no bundle for a moment, but never half of one."""
    monkeypatch.setattr(replacing, "_exchange", lambda one, other: False)
    new, old = reference(place, "new.keras"), reference(place, "old.keras")
    found = []
    for _ in outcomes(place, kill, over=True):
        found.append(content(place / "work" / "out"))
        assert found[-1] in (None, old, new)
        assert converted(place, "new.keras") == 0
    assert set(found) == {None, old, new}


@pytest.mark.parametrize(("fault", "on"), [(disk_full, False), (disk_full, True), (disk_fails, False)])
@pytest.mark.parametrize("over", [False, True])
def test_the_disk_fails_at_each_call(place: Path, over: bool, fault: Fault, on: bool) -> None:
    new, old = reference(place, "new.keras"), reference(place, "old.keras")
    for at, ended in outcomes(place, fault, over=over, on=on):
        assert ended.code in (0, 2), (at, ended)
        assert content(place / "work" / "out") in (old if over else None, new), (at, ended)
        if ended.code == 2:
            assert ended.said.startswith("kconvert: error: ") and ended.said.count("\n") == 1, ended
            assert "cannot be written" in ended.said
            left = [entry.name for entry in (place / "work").iterdir() if entry.name != "out"]
            assert on or not left, at


@pytest.mark.parametrize("size", [0, 1, 100, 500, 1000])
def test_files_may_not_grow(place: Path, size: int) -> None:
    old = reference(place, "old.keras")
    converted(place, "old.keras")
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
    ended = start(partial(converted, place, "new.keras", None, limit)).wait()
    assert ended.code == 2 and "File too large" in ended.said
    assert content(place / "work" / "out") == old
    assert [entry.name for entry in (place / "work").iterdir()] == ["out"]


def test_a_folder_that_may_not_be_written(place: Path) -> None:
    def nobody() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)

    (place / "work").chmod(0o555)
    ended = start(partial(converted, place, "new.keras", None, nobody)).wait()
    (place / "work").chmod(0o755)
    assert ended.code == 2 and "Permission denied" in ended.said, ended
    assert list((place / "work").iterdir()) == []


def test_several_write_one_folder(place: Path) -> None:
    whole = reference(place, "new.keras"), reference(place, "old.keras")

    def repeatedly(model: str) -> int:
        return max(converted(place, model) for _ in range(25))

    running = [start(partial(repeatedly, model)) for model in ("old.keras", "new.keras", "old.keras", "new.keras")]
    ended = [one.wait() for one in running]
    assert [(one.code, one.said) for one in ended] == [(0, "")] * 4
    assert content(place / "work" / "out") in whole
    assert [entry.name for entry in (place / "work").iterdir()] == ["out"]


def test_readers_while_a_bundle_is_replaced(place: Path) -> None:
    converted(place, "old.keras")
    out = place / "work" / "out"

    def replace() -> int:
        return max(converted(place, model) for _ in range(40) for model in ("new.keras", "old.keras"))

    writer, reads, seen = start(replace), 0, set()
    while os.waitid(os.P_PID, writer.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        graph, _ = read_bundle(out, verify=True)
        seen.add(graph.source.file)
        reads += 1
    assert writer.wait().code == 0
    assert reads > 20 and seen == {"old.keras", "new.keras"}


def test_a_missing_half_is_no_bundle(place: Path) -> None:
    converted(place, "old.keras")
    (place / "work" / "out" / "weights.npz").unlink()
    with pytest.raises(BundleError, match="no kconvert bundle"):
        read_bundle(place / "work" / "out")
