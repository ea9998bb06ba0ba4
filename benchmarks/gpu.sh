#!/usr/bin/env bash
# Measures and checks this tree on a GPU, in less than eight minutes, without installing anything.
#
#   benchmarks/gpu.sh                   all parts
#   benchmarks/gpu.sh steps build       these, in the order of the script
#   benchmarks/gpu.sh --small           a rehearsal on a CPU, with tiny networks
#   benchmarks/gpu.sh --list            the parts
#
# PYTHON   the interpreter, 3.11 or 3.12, with torch (python3)
# WHEELS   a folder of wheels that it lacks, at most 40 MB; they go before its own packages
# OUT      the folder for what was measured (a new temporary one)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
export OUT=${OUT:-$(mktemp -d "${TMPDIR:-/tmp}/gpu-XXXXXX")}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
echo "what is measured goes to $OUT"

site=$(mktemp -d "${TMPDIR:-/tmp}/gpu-site-XXXXXX")
trap 'rm -rf "$site"' EXIT
if [[ -n ${WHEELS:-} ]]; then
	kilobytes=$(du --apparent-size --summarize --block-size=1000 --dereference "$WHEELS" | cut -f1)
	if ((kilobytes > 40000)); then
		echo "$WHEELS: holds $kilobytes kB of wheels, more than 40000" >&2
		exit 2
	fi
	"$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --no-cache-dir \
		--upgrade --target "$site" "$WHEELS"/*.whl
fi

# What a compiler makes is made anew in each run, and goes with it.
export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-$site/.inductor} TRITON_CACHE_DIR=${TRITON_CACHE_DIR:-$site/.triton}
export PYTHONPATH=$site:$root:$root/protos:$root/clients/python PYTHONUNBUFFERED=1
cd "$root"
"$python" -m benchmarks.gpu --out "$OUT" "$@"
