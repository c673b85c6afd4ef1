#!/usr/bin/env bash
# Builds the fuzzers and runs each for a time, from its stored corpus on: run_fuzzers.sh SECONDS
# A finding fails its fuzzer; the input lies in build/fuzz/findings, and the fuzzer's program repeats it when given its
# path. Cured, it belongs into tests/fuzz/corpus/NAME (under 1 KiB).
set -uo pipefail
if ! [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: tests/support/run_fuzzers.sh SECONDS" >&2
  exit 64
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
seconds=$1

cmake --preset fuzz >/dev/null && cmake --build --preset fuzz || exit 1

findings=build/fuzz/findings
mkdir -p "$findings"
passed=0
failed=0
for source in tests/fuzz/*_fuzzer.cpp; do
  name=$(basename "$source" _fuzzer.cpp)
  stored=tests/fuzz/corpus/$name
  # What it finds interesting stays in the build folder, and is where the next run goes on.
  grown=build/fuzz/corpus/$name
  mkdir -p "$grown"
  if [ -z "$(ls "$stored" 2>/dev/null)" ]; then
    echo "FAILED: $name has no stored corpus in $stored"
    failed=$((failed + 1))
  elif "build/fuzz/bin/taskgraph-${name}_fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
    -verbosity=0 -print_final_stats=1 -artifact_prefix="$findings/$name-" "$grown" "$stored"; then
    passed=$((passed + 1))
  else
    echo "FAILED: $name (see $findings/$name-*)"
    failed=$((failed + 1))
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
