#!/usr/bin/env bash
# Branches of host/core that unit tests and simulator reach: measure_coverage.sh BUILD_DIR RESULTS_DIR
# Leaves RESULTS_DIR/coverage.txt (by file, with the branches that were not reached) and coverage/index.html.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
results=$2

find "$build" -name '*.gcda' -delete
for binary in "$build"/bin/taskgraph-*-tests; do "$binary" >/dev/null; done
"$build/bin/taskgraph-sim" --seeds 1..2000

mkdir -p "$results/coverage"
# Branches that only an exception of the standard library takes are the compiler's, not ours. mutant.hpp has its switch at
# two places, of which each object has one: gcovr cannot merge that, and it holds no branch of ours.
gcovr --root . --filter host/core/ --exclude host/core/mutant.hpp --exclude-throw-branches --exclude-unreachable-branches --branches \
  --txt "$results/coverage.txt" --html-details "$results/coverage/index.html" --json-summary "$results/coverage.json" "$build"
cat "$results/coverage.txt"
