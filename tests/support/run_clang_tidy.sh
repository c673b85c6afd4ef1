#!/usr/bin/env bash
# clang-tidy over all our sources; each file without a warning is a passed test: run_clang_tidy.sh BUILD_DIR
# BUILD_DIR is configured only. clang cannot read the precompiled headers of g++, hence a configuration of its own.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=$1

cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DTASKGRAPH_BUILD_TESTS=ON -DTASKGRAPH_BUILD_BENCHMARKS=ON || exit 1
mapfile -t files < <(python3 -c '
import json, sys
for file in sorted({entry["file"] for entry in json.load(open(sys.argv[1]))}):
    print(file)' "$build/compile_commands.json")

failures=$(mktemp)
trap 'rm -f "$failures"' EXIT
printf '%s\0' "${files[@]}" | BUILD=$build FAILURES=$failures xargs -0 -r -n 1 -P "$(nproc)" sh -c '
  output=$(clang-tidy --quiet --warnings-as-errors="*" -p "$BUILD" "$1" 2>&1) || { echo "$output"; echo "$1" >>"$FAILURES"; }' tidy
failed=$(wc -l <"$failures")
echo "tidy: $((${#files[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
