# Sourced by packaging/quickstart.sh and tests/run.sh: steps with a line each, and how much of this machine a build takes.
# shellcheck shell=bash

# Compilers at once: one per processor, as far as there are 1.5 GiB of memory for each.
build_jobs() {
  local jobs available_kib limit
  jobs=$(nproc)
  available_kib=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
  if [ -r /sys/fs/cgroup/memory.max ] && read -r limit </sys/fs/cgroup/memory.max && [ "$limit" != max ]; then
    [ $((limit / 1024)) -ge "$available_kib" ] || available_kib=$((limit / 1024))
  fi
  [ $((available_kib / 1572864)) -ge "$jobs" ] || jobs=$((available_kib / 1572864))
  [ "$jobs" -ge 1 ] || jobs=1
  echo "$jobs"
}

# ccache needs a folder that it may write to; the home of a service user often is none.
prepare_build() {
  local root=$1
  : "${CMAKE_BUILD_PARALLEL_LEVEL:=$(build_jobs)}"
  export CMAKE_BUILD_PARALLEL_LEVEL
  if [ -z "${CCACHE_DIR:-}" ] && ! { mkdir -p "${HOME:-/nonexistent}/.cache/ccache" 2>/dev/null && [ -w "$HOME/.cache/ccache" ]; }; then
    export CCACHE_DIR="$root/build/.ccache"
  fi
}

# Configures and builds one preset: build_preset NAME
build_preset() {
  local preset=$1
  # A folder that was moved or copied here remembers its old place; CMake refuses it.
  local cache="$PWD/build/$preset/CMakeCache.txt"
  if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then rm -rf "$PWD/build/$preset"; fi
  cmake --preset "$preset" && cmake --build --preset "$preset"
}

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
elapsed_s() {
  local ms=$(($(now_ms) - $1))
  printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

step_pid=
stop_step() {
  [ -z "$step_pid" ] || kill -TERM "$step_pid" 2>/dev/null || true
  exit 130
}
trap stop_step INT TERM

# Runs a command as one step: run_step TITLE LOG LIMIT_S command...
# Its output goes to LOG; one line tells how long it took; of a step that failed the end of the log is shown. The step and
# all that it started are ended after LIMIT_S seconds (status 124). A shell function may be the command, if it is exported.
run_step() {
  local title=$1 log=$2 limit_s=$3 start status=0
  shift 3
  start=$(now_ms)
  if [ "$(type -t "$1")" = function ]; then set -- bash -c '"$@"' run_step "$@"; fi
  timeout -k 10 "$limit_s" "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  wait "$step_pid" || status=$?
  step_pid=
  if [ "$status" -eq 0 ]; then
    printf '%-34s ok      %7s s\n' "$title" "$(elapsed_s "$start")"
    return 0
  fi
  printf '%-34s FAILED  %7s s\n' "$title" "$(elapsed_s "$start")"
  echo "---- the end of $log ----"
  tail -n 60 "$log" | cut -c 1-400
  [ "$status" -ne 124 ] || echo "(ended: it took longer than $limit_s s)"
  echo "---- status $status ----"
  return "$status"
}
