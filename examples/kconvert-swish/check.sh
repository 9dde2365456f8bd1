#!/usr/bin/env bash
# From outside: a machine without Keras converts and runs a model with a layer that kconvert does not know.
#
#   bash check.sh                       build kconvert from this checkout
#   bash check.sh KCONVERT_WHEEL WORK   use a wheel, and a folder to work in
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
if [ $# -ge 2 ]; then
    work=$2
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi

fail() {
    echo "check.sh: $1" >&2
    exit 1
}

refused() { # WORDS COMMAND...: the command must return 2 and say WORDS in one paragraph, without a traceback
    local words=$1 code=0
    shift
    "$@" >"$work/stdout" 2>"$work/stderr" || code=$?
    cat "$work/stderr"
    [ "$code" = 2 ] || fail "$1 returned $code, not 2"
    grep -qF "$words" "$work/stderr" || fail "$1 did not say: $words"
    ! grep -q Traceback "$work/stderr" || fail "$1 showed a traceback"
}

python3 -m venv "$work/venv"
export PATH="$work/venv/bin:$PATH"
if [ $# -ge 1 ]; then
    kconvert_wheel=$1
else
    python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" "$here/../.."
    kconvert_wheel=$(ls "$work"/wheels/kconvert-[0-9]*.whl)
fi
cp -r "$here" "$work/package"
python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" "$work/package"
python -m pip install --quiet "$kconvert_wheel" pytest
! python -c 'import keras' 2>/dev/null || fail "Keras is installed; this must work without it"
cd "$work"

echo "-- without the package, the conversion is refused and nothing is written"
refused "'acme>Swish'" kconvert "$here/swish.keras" out
[ ! -e out ] || fail "a refused conversion left a folder"

echo "-- with it, the model converts and gives what Keras gave"
python -m pip install --quiet "$work"/wheels/kconvert_swish-*.whl
kconvert --layers | grep -F 'acme>Swish'
kconvert --plugins | grep -F 'kconvert-swish'
kconvert "$here/swish.keras" out
krun out "$here/input.npy" -o y.npy
python - "$here/output.npy" y.npy <<'PYTHON'
import sys

import numpy as np

expected, y = map(np.load, sys.argv[1:])
assert y.shape == expected.shape, f"{y.shape} instead of {expected.shape}"
error = np.abs(y - expected).max() / np.abs(expected).max()
print(f"largest difference from Keras: {error:.1e} of the largest output")
assert error < 1e-5
PYTHON
python -m pytest -q -p no:cacheprovider "$work/package/tests"

echo "-- so it does with kconvert-runtime alone"
python3 -m venv "$work/runner"
python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" "$here/../../runtime"
"$work/runner/bin/python" -m pip install --quiet "$work"/wheels/kconvert_runtime-*.whl
"$work/runner/bin/python" -m pip install --quiet --no-deps "$work"/wheels/kconvert_swish-*.whl
"$work/runner/bin/krun" out "$here/input.npy" -o y_runtime.npy
cmp y.npy y_runtime.npy || fail "the runtime alone gives other numbers"

echo "-- where the package is missing, the bundle is refused"
python -m pip uninstall --quiet --yes kconvert-swish
refused "'acme'" krun out "$here/input.npy"
echo "-- all of it holds"
