"""`python -m studies`: wrong requests are one line and exit code 2; the report needs no Keras."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
STORED = EXAMPLES / "studies" / "full"


def studies(*arguments):
    command = [sys.executable, "-m", "studies", *map(str, arguments)]
    return subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=120)


def test_data_that_is_not_there_is_named(tmp_path):
    ended = studies("--data", tmp_path / "nowhere", "--quick", "--out", tmp_path / "out")
    assert ended.returncode == 2
    assert "nowhere/cifar10/train.npz does not exist; --data names its folder" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out" / "results").exists()


def test_a_report_without_results_is_refused(tmp_path):
    ended = studies("--report", "--out", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"error: {tmp_path} holds no results; --out names the folder of a run\n"


def test_results_of_other_settings_are_not_mixed(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run.json").write_text(json.dumps({"settings": {"images": [1, 2, 3]}, "labels": {}}))
    ended = studies("--quick", "--out", tmp_path)
    assert ended.returncode == 2
    assert "holds results of a run with other settings" in ended.stderr


@pytest.mark.parametrize("arguments", [("--jobs", "0"), ("--jobs", "many"), ("--fast",)])
def test_wrong_options_are_refused(arguments):
    ended = studies(*arguments)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_the_stored_report_follows_from_the_stored_results(tmp_path):
    shutil.copytree(STORED / "results", tmp_path / "results")
    assert studies("--report", "--out", tmp_path).returncode == 0
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.suffix in (".md", ".html", ".svg"))
    stored = sorted(path.relative_to(STORED) for path in STORED.rglob("*") if path.suffix in (".md", ".html", ".svg"))
    assert made == stored
    for path in made:
        words, numbers = parted((tmp_path / path).read_text())
        stored_words, stored_numbers = parted((STORED / path).read_text())
        assert words == stored_words, path
        np.testing.assert_allclose(numbers, stored_numbers, rtol=0, atol=WANDERING[path.suffix], err_msg=str(path))


WANDERING = {".md": 0.003, ".svg": 0.5, ".html": 0.5}
"""How far numbers may be from those stored, scores in text and pixels in pictures: the ends of intervals are drawn at
random by NumPy's generators, which change with its version."""


def parted(text: str) -> tuple[list[str], list[float]]:
    """What stands between the numbers of a text, and the numbers."""
    number = re.compile(r"[+-]?\d+(?:\.\d+)?")
    return number.split(text), [float(found) for found in number.findall(text)]


def test_the_report_needs_no_keras():
    code = "import studies.report, sys; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=EXAMPLES, check=True, timeout=60)
