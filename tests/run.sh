#!/usr/bin/env bash
# The gate, for people and CI alike: installs what is missing, builds, runs every suite, and ends with the line
# `N passed, N failed`. Status 0 only when something passed and nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. packaging/steps.sh

gate_suites=(style model unit sim integration packaging asan-ubsan tsan)
full_suites=(coverage trace-hash sim-long fuzz benchmarks tidy)

usage() {
  cat <<TEXT
usage: tests/run.sh [--full] [--only SUITE]... [--seeds A..B]
  --full        adds what is too long for every change: ${full_suites[*]}
  --only SUITE  this suite alone; may be repeated; of: ${gate_suites[*]} ${full_suites[*]}
  --seeds A..B  seeds of the suite sim (1..20000)
Logs and results lie in build/results/. One unit test: build/dev/bin/taskgraph-unit-tests "name of the test".
TEXT
}

full=false
only=()
seeds=1..20000
while [ $# -gt 0 ]; do
  case $1 in
    --full) full=true ;;
    --only | --seeds)
      if [ $# -lt 2 ]; then usage >&2; exit 64; fi
      if [ "$1" = --seeds ]; then seeds=$2; else only+=("$2"); fi
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown option \"$1\"" >&2; usage >&2; exit 64 ;;
  esac
  shift
done

contains() {
  local wanted=$1 each
  shift
  for each in "$@"; do [ "$each" != "$wanted" ] || return 0; done
  return 1
}
for suite in "${only[@]}"; do
  contains "$suite" "${gate_suites[@]}" "${full_suites[@]}" || { echo "tests/run.sh: there is no suite \"$suite\"" >&2; usage >&2; exit 64; }
done
wanted() {
  if [ ${#only[@]} -gt 0 ]; then contains "$1" "${only[@]}"; else $full || contains "$1" "${gate_suites[@]}"; fi
}

results=$root/build/results
# Results of an earlier run must not count.
rm -rf "$results"
mkdir -p "$results"
: >"$results/suites.tsv"
started_ms=$(now_ms)

dependencies="test"
if $full || [ ${#only[@]} -gt 0 ]; then
  for suite in "${full_suites[@]}"; do ! wanted "$suite" || dependencies="full"; done
fi
./packaging/install-deps.sh "$dependencies"
prepare_build "$root"

export PYTHONDONTWRITEBYTECODE=1
# 99 is no exit code of taskgraph-host: a sanitizer's report is never taken for an expected failure.
export ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1:strict_string_checks=1
export LSAN_OPTIONS=exitcode=99
export UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
export TSAN_OPTIONS=exitcode=99:halt_on_error=1:second_deadlock_stack=1
export -f build_preset

record() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results/suites.tsv"; }

# suite NAME KIND LIMIT_S command...: one row of count_results.py. It never ends the gate.
suite() {
  local name=$1 kind=$2 limit_s=$3 status=0
  shift 3
  run_step "$name" "$results/$name.log" "$limit_s" "$@" || status=$?
  record "$name" "$status" "$kind"
}

# build PRESET: whether it is built. Once for all suites that need it.
declare -A built
build() {
  local preset=$1 status=0
  if [ -z "${built[$preset]:-}" ]; then
    run_step "build $preset" "$results/build-$preset.log" 3600 build_preset "$preset" || status=$?
    built[$preset]=$status
    record "build-$preset" "$status" setup
  fi
  [ "${built[$preset]}" = 0 ]
}

# Every Catch2 binary of a preset is a suite of its own.
unit_suites() {
  local preset=$1 prefix=$2 binary name found=false
  shift 2
  for binary in "build/$preset/bin/"taskgraph-*-tests; do
    [ -x "$binary" ] || continue
    found=true
    name=${binary##*/taskgraph-}
    name=$prefix${name%-tests}
    suite "$name" junit 600 "$@" "$binary" --order rand --rng-seed time --reporter junit --out "$results/$name.xml"
  done
  $found || record "${prefix}unit" not-run junit
}

# pytest_suite NAME PRESET TIME_FACTOR FOLDER [prefix command...]
pytest_suite() {
  local name=$1 preset=$2 factor=$3 folder=$4 marks='not full'
  shift 4
  ! $full || marks=
  suite "$name" junit 1500 "$@" env TASKGRAPH_BUILD_DIR="$root/build/$preset" TASKGRAPH_TIME_FACTOR="$factor" \
    python3 -m pytest -q -ra -p no:cacheprovider -m "$marks" --junitxml "$results/$name.xml" "$folder"
}

if wanted style; then suite style line 300 ./tests/support/check_sources.sh; fi

if wanted model; then suite model line 900 ./tests/model/check_model.py; fi

if wanted unit; then
  if build dev; then unit_suites dev ''; else record unit not-run junit; fi
fi

# The dev build optimises the simulator like a Release one.
if wanted sim; then
  if build dev; then suite sim line 1200 build/dev/bin/taskgraph-sim --seeds "$seeds"; else record sim not-run line; fi
fi

if wanted integration; then
  if build dev; then pytest_suite integration dev 1 tests/integration; else record integration not-run junit; fi
fi

if wanted packaging; then
  if build release; then pytest_suite packaging release 1 tests/packaging; else record packaging not-run junit; fi
fi

if wanted asan-ubsan; then
  if build asan-ubsan; then
    unit_suites asan-ubsan asan-ubsan-
    suite asan-ubsan-sim line 600 build/asan-ubsan/bin/taskgraph-sim --seeds 1..300
    pytest_suite asan-ubsan-integration asan-ubsan 4 tests/integration
  else
    record asan-ubsan not-run junit
  fi
fi

if wanted tsan; then
  if build tsan; then
    # ThreadSanitizer's memory map has no room for the widest address randomisation of newer kernels.
    fixed_addresses=()
    if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] && setarch -R true 2>/dev/null; then
      fixed_addresses=(setarch -R)
    fi
    unit_suites tsan tsan- "${fixed_addresses[@]}"
    pytest_suite tsan-integration tsan 8 tests/integration "${fixed_addresses[@]}"
  else
    record tsan not-run junit
  fi
fi

if wanted sim-long; then
  if build dev; then
    suite sim-long line 7200 build/dev/bin/taskgraph-sim --seeds 20001..300000
  else
    record sim-long not-run line
  fi
fi

if wanted trace-hash; then suite trace-hash line 3600 ./tests/support/compare_trace_hashes.sh "$root/build/trace-hash"; fi

# 60 s for each fuzzer.
if wanted fuzz; then suite fuzz line 1800 ./tests/support/run_fuzzers.sh 60; fi

if wanted coverage; then
  if build coverage; then suite coverage line 3600 ./tests/support/measure_coverage.sh "$root/build/coverage" "$results"; else record coverage not-run line; fi
fi

if wanted benchmarks; then
  if build bench; then suite benchmarks line 3600 ./tests/bench/run_benchmarks.py --build build/bench --json "$results/benchmarks.json"; else record benchmarks not-run line; fi
fi

if wanted tidy; then
  suite tidy line 7200 ./tests/support/run_clang_tidy.sh "$root/build/tidy"
fi

echo "the gate took $(elapsed_s "$started_ms") s; logs are in build/results/"
exec python3 tests/support/count_results.py "$results"
