#!/bin/sh
# Build the wheel, unpack it away from the checkout, and audit with it from there.
set -eu
here=$(pwd)
python=$(command -v "${PYTHON:-python}")
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$away" "$here"
"$python" -m pip install --quiet --no-deps --target "$away/site" "$away"/slm_audit-*.whl
cp -r "$here/examples/tiny_slm" "$away/model"
cd "$away"
export PYTHONPATH="$away/site"
"$python" - <<'CHECK'
import os, slm_audit
home = os.path.realpath(os.path.dirname(slm_audit.__file__))
assert home == os.path.realpath("site/slm_audit"), f"imported from {home}, not from the wheel"
assert not os.path.exists("site/slm_audit/tests") and not os.path.exists("site/slm_audit/examples")
CHECK
code=0
"$python" -m slm_audit.audits.cli run model --suite quick --limit 5 --probes 'toxicity.*' --probes 'fairness.*' || code=$?
test "$code" = 4 || test "$code" = 1 || { echo "the wheel's audit ended with exit $code"; exit 1; }
"$python" -m slm_audit.audits.cli verify runs/latest
rm -rf "$here/build" "$here/slm_audit.egg-info"
