#!/usr/bin/env bash
# Whether the same seeds give the same trace whatever compiled the simulator: compare_trace_hashes.sh BUILD_DIR [SEEDS]
# Builds it with g++ and clang++, without and with optimisation, and compares the hashes that the four print.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
seeds=${2:-1..500}

declare -A hashes
for compiler in g++ clang++; do
  for level in O0 O2; do
    name=$compiler-$level
    c_compiler=${compiler/clang++/clang}
    c_compiler=${c_compiler/g++/gcc}
    cmake -S . -B "$build/$name" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$compiler" \
      -DCMAKE_C_COMPILER="$c_compiler" -DCMAKE_CXX_FLAGS="-$level" -DTASKGRAPH_BUILD_TESTS=ON
    cmake --build "$build/$name" --target taskgraph-sim
    hashes[$name]=$("$build/$name/bin/taskgraph-sim" --seeds "$seeds" --trace-hash | tail -n 1)
    [ -n "${hashes[$name]}" ]
  done
done

passed=0
failed=0
for name in "${!hashes[@]}"; do
  echo "$name: ${hashes[$name]}"
  if [ "${hashes[$name]}" = "${hashes[g++-O2]}" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "trace-hash: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
