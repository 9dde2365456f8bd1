"""Print command number N of the README: its N-th block marked as `sh`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

text = (Path(__file__).parents[1] / "README.md").read_text()
print(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)[int(sys.argv[1]) - 1])
