#!/usr/bin/env bash
# The suite `style`: what can be said of the sources without building them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
folders=(plugin-api host plugins topologies tests packaging)
passed=0
failed=0

# check TITLE command...
check() {
  local title=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $title"
  fi
}

# nothing TITLE command...: a check that passes when the command prints nothing.
nothing() {
  local title=$1 found
  shift
  found=$("$@")
  if [ -n "$found" ]; then echo "$found"; fi
  check "$title" [ -z "$found" ]
}

sources() { find "${folders[@]}" -type f "$@" -print0; }
badly_formatted() {
  sources '(' -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' ')' |
    xargs -0 -r clang-format --dry-run -Werror 2>&1 | sed -n 's/^\([^ :]*:[0-9]*\):[0-9]*: error: .*/\1/p' | sort -u -t: -k1,1
}
python_parses() {
  sources -name '*.py' | xargs -0 -r python3 -c 'import ast, sys; [ast.parse(open(name, encoding="utf-8").read(), name) for name in sys.argv[1:]]'
}
shell_parses() {
  local status=0 file
  while IFS= read -r -d '' file; do bash -n "$file" || status=1; done < <(sources -name '*.sh')
  return $status
}
json_parses() {
  find CMakePresets.json -print0 | xargs -0 -r -n 1 python3 -m json.tool >/dev/null
}

nothing "clang-format (cure: clang-format -i FILE)" badly_formatted
check "Python sources parse" python_parses
check "shell scripts parse" shell_parses
check "CMakePresets.json parses" json_parses
nothing "host/core includes no clock, thread, random, I/O or adapter" \
  grep -rnE '#include [<"](chrono|thread|mutex|condition_variable|iostream|fstream|random|sys/|unistd|boost/(asio|beast|dll|filesystem|process|thread)|spdlog/|rapidjson/|host/(config|coordinator|plugin|runtime|wire))' host/core
nothing "host/wire includes no clock, thread, random, I/O or adapter" \
  grep -rnE '#include [<"](chrono|thread|mutex|condition_variable|iostream|fstream|random|sys/|unistd|boost/|spdlog/|rapidjson/|host/(coordinator|plugin|runtime))' host/wire
nothing "the public headers include the standard library and themselves only" \
  grep -rnE '#include ("|<(boost|rapidjson|spdlog|fmt|curl|openssl|sys/|unistd))' plugin-api/include
nothing "abi.h is C: it includes stddef.h and stdint.h only" \
  sh -c "grep -nE '#include' plugin-api/include/taskgraph/abi.h | grep -vE '<(stddef|stdint)\.h>'"
nothing "unit tests and simulator use no real time and no random device" \
  grep -rnE --include='*.[ch]pp' 'sleep_for|sleep_until|usleep|nanosleep|std::random_device' tests/unit tests/sim
nothing "nothing is left for later" \
  grep -rnwE --include='*.h' --include='*.[ch]pp' --include='*.py' --include='CMakeLists.txt' 'TODO|FIXME|XXX|HACK' "${folders[@]}"

echo "style: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
