"""docs/plugins.md holds: its files are the example's, its commands and code run, and it leaves nothing out."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import kconvert
from kconvert.testing import LayerContract, OpContract

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "kconvert-swish"
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
TUTORIAL, REFERENCE = PAGE.split("\n# Reference\n")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MADE_BY_KERAS = ("swish.keras", "input.npy", "output.npy")

SHIMS = {
    "kconvert": "exec {python} -c 'import sys; from kconvert.cli.convert import main; sys.exit(main())' \"$@\"",
    "krun": "exec {python} -c 'import sys; from kconvert_runtime.cli import main; sys.exit(main())' \"$@\"",
    "python": 'if [ "$1" = make_model.py ]; then cp {stored} .; else exec {python} "$@"; fi',
    "pip": 'exec {python} {this} "$@"',
}
"""What stands on the path for the commands of the page: pip writes a dist-info, make_model.py is not run."""


@dataclass(frozen=True)
class Block:
    language: str
    options: str
    text: str

    @property
    def title(self) -> str:
        found = re.search(r'title="([^"]*)"', self.options)
        return found[1] if found else ""


def blocks(text: str) -> list[Block]:
    return [Block(*match.groups()) for match in BLOCK.finditer(text)]


def files() -> dict[str, str]:
    """The files of the tutorial as they are at its end."""
    found: dict[str, str] = {}
    for block in blocks(TUTORIAL):
        if block.title:
            found[block.title] = (found[block.title] if "append" in block.options else "") + block.text
    return found


def test_the_files_are_those_of_the_example() -> None:
    shown = files()
    kept = [p for p in EXAMPLE.rglob("*") if p.suffix in (".py", ".toml") and "build" not in p.parts]
    assert {p.relative_to(EXAMPLE).as_posix() for p in kept} == shown.keys()
    for name, text in shown.items():
        assert (EXAMPLE / name).read_text(encoding="utf-8") == text, f"{name} differs from docs/plugins.md"


@pytest.mark.skipif(os.name != "posix", reason="the commands of the page are for a POSIX shell")
@pytest.mark.skipif(sys.flags.optimize > 1, reason="`kconvert --layers` shows docstrings, which python -OO drops")
def test_the_tutorial_runs(tmp_path: Path) -> None:
    folder = tmp_path / "kconvert-swish"
    folder.mkdir()
    shell = Shell(tmp_path, folder)
    shown = iter(blocks(TUTORIAL))
    ran = 0
    for block in shown:
        if block.title:
            with (folder / block.title).open("a" if "append" in block.options else "w", encoding="utf-8") as file:
                file.write(block.text)
        elif block.language == "console":
            for command, expected in commands(block.text):
                assert_matches(shell.run(command), expected, command)
                ran += 1
        else:
            assert block.language == "python"
            (folder / "block.py").write_text(block.text)
            assert_matches(shell.run("python block.py"), next(shown).text, "the code block")
    assert ran > 8


def test_the_code_of_the_reference_runs() -> None:
    code = "\n".join(block.text for block in blocks(REFERENCE) if block.language == "python")
    assert code.count("assert") > 8
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", [kconvert.LayerCall, kconvert.Symbol, kconvert.Emitter, kconvert.Config])
def test_the_reference_names_everything_a_plugin_can_use(kind: type) -> None:
    noun = {"LayerCall": "call", "Emitter": "emit", "Config": "config"}.get(kind.__name__, "")
    own = {*vars(kind), *getattr(kind, "__annotations__", {})} - {"get"}
    public = sorted(name for name in own if not name.startswith("_") and name not in ("keys", "items", "values"))
    assert public
    for name in public:
        assert re.search(rf"`{noun}\.{name}\b" if noun else rf"`(symbol\.)?{name}\b", REFERENCE), (
            f"{kind.__name__}.{name}"
        )


@pytest.mark.parametrize("contract", [LayerContract, OpContract])
def test_the_reference_names_every_test_and_attribute_of_the_kit(contract: type) -> None:
    names = [name for name in dir(contract) if name.startswith("test_")]
    names += [name for name in inspect.get_annotations(contract) if not name.startswith("_")]
    assert len(names) > 10
    assert [name for name in names if f"`{name}" not in REFERENCE] == []


@pytest.mark.oracle
def test_the_script_makes_the_model_that_is_stored(tmp_path: Path) -> None:
    """The Keras code of the page runs; a model made by it converts, and gives what Keras gives."""
    import numpy as np

    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    (tmp_path / "make_model.py").write_text(files()["make_model.py"])
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": search_path(write_package(tmp_path, EXAMPLE)),
    }
    subprocess.run([sys.executable, "make_model.py"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    code = (
        "import kconvert, numpy\nkconvert.convert('swish.keras', 'out')\n"
        "numpy.save('y.npy', kconvert.load('out')(numpy.load('input.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), np.load(tmp_path / "output.npy"), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.load(tmp_path / "input.npy"), np.load(EXAMPLE / "input.npy"))


class Shell:
    """Runs the commands of the page in a folder, with the shims in front of the path."""

    def __init__(self, work: Path, folder: Path) -> None:
        self.folder = folder
        self.site = work / "site"
        stored = " ".join(str(EXAMPLE / name) for name in MADE_BY_KERAS)
        (work / "bin").mkdir()
        for name, command in SHIMS.items():
            shim = work / "bin" / name
            shim.write_text("#!/bin/sh\n" + command.format(python=sys.executable, stored=stored, this=__file__) + "\n")
            shim.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{work / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": search_path(self.site),
            "SITE": str(self.site),
            "COLUMNS": "200",
        }

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout


def search_path(*folders: Path) -> str:
    return os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])


def write_package(site: Path, package: Path) -> Path:
    """Do what `pip install` would: copy the package beside a dist-info with its entry points."""
    text = (package / "pyproject.toml").read_text(encoding="utf-8")
    sections = re.findall(r"^\[project\.entry-points\.([^\]]+)\]\n((?:\w+ = .*\n)+)", text, re.MULTILINE)
    points = "\n".join(f"[{name.strip(chr(34))}]\n{lines.replace(chr(34), '')}" for name, lines in sections)
    info = site / "kconvert_swish-1.0.dist-info"
    shutil.rmtree(info, ignore_errors=True)
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kconvert-swish\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    shutil.copytree(package / "src" / "kconvert_swish", site / "kconvert_swish", dirs_exist_ok=True)
    return site


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block ('$ ...'), each with the lines that it shows."""
    for part in text.split("$ ")[1:]:
        command, *expected = part.rstrip("\n").split("\n")
        yield command, expected


def assert_matches(output: str, expected: list[str] | str, what: str) -> None:
    """Fail unless the output is as shown, spaces aside; '...' stands for anything."""
    shown = expected.splitlines() if isinstance(expected, str) else expected
    if not shown:
        return
    lines = ("(?:.*\n)*" if line == "..." else "[^\n]*".join(map(_spaced, line.split("..."))) + "\n" for line in shown)
    pattern = "".join(lines)
    plain = "".join(" ".join(line.split()) + "\n" for line in output.rstrip("\n").split("\n"))
    if not re.fullmatch(pattern, plain):
        pytest.fail(f"{what} shows\n{plain}\nnot\n" + "\n".join(shown))


def _spaced(text: str) -> str:
    return re.escape(" ".join(text.split()))


if __name__ == "__main__":  # the shim of pip
    site = Path(os.environ["SITE"])
    if sys.argv[1] == "install":
        write_package(site, Path.cwd())
    else:
        shutil.rmtree(site)
