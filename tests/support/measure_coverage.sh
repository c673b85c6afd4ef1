#!/usr/bin/env bash
# Branches of host/core that unit tests and simulator reach: measure_coverage.sh BUILD_DIR RESULTS_DIR
# Leaves RESULTS_DIR/coverage.txt (by file, with the lines whose branches were not all reached) and coverage/index.html.
# Fails below the floor; unreached_branches.md says what is missing and why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
results=$2
branches_min_percent=99

find "$build" -name '*.gcda' -delete
for binary in "$build"/bin/taskgraph-*-tests; do "$binary" >/dev/null; done
"$build/bin/taskgraph-sim" --seeds 1..2000

mkdir -p "$results/coverage"
tests/support/collect_branches.py "$build" host/core/ "$results/coverage-branches.json"
status=0
gcovr --root . --add-tracefile "$results/coverage-branches.json" --branches --fail-under-branch "$branches_min_percent" \
  --txt "$results/coverage.txt" --html-details "$results/coverage/index.html" --json-summary "$results/coverage.json" || status=$?
cat "$results/coverage.txt"
exit "$status"
