#!/usr/bin/env bash
# Installs what TaskGraph needs from Debian 12's packages, or says what to install. Quick, and without network, when
# nothing is missing.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: packaging/install-deps.sh [build|test|full]
  build  what building and running needs (default)
  test   that, and what tests/run.sh needs
  full   that, and what tests/run.sh --full needs
On Debian 12, root gets what is missing installed by apt-get; anybody else is told the command. On another system the
packages are named, and it is a success when the tools are there.
TEXT
}

build_packages=(g++ cmake ninja-build ccache libboost1.81-dev libboost-program-options1.81-dev rapidjson-dev
  libspdlog-dev libfmt-dev libssl-dev libxxhash-dev)
test_packages=(catch2 python3 python3-pytest clang-format binutils file dpkg-dev rpm rpm2cpio cpio gzip spin)
full_packages=(stress-ng clang libclang-rt-14-dev clang-tidy gcovr libbenchmark-dev erlang-base
  pkgconf libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc libopenmpi-dev openmpi-bin)
build_tools=(g++ cmake ninja)
test_tools=(python3 clang-format nm file rpmbuild rpm2cpio cpio gzip spin)
full_tools=(stress-ng clang++ clang-tidy gcovr erl protoc grpc_cpp_plugin mpirun)

mode=${1:-build}
packages=("${build_packages[@]}")
tools=("${build_tools[@]}")
case $mode in
  build) ;;
  test)
    packages+=("${test_packages[@]}")
    tools+=("${test_tools[@]}")
    ;;
  full)
    packages+=("${test_packages[@]}" "${full_packages[@]}")
    tools+=("${test_tools[@]}" "${full_tools[@]}")
    ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 64
    ;;
esac

# Debian 12 and nothing else: the names and versions of another release differ.
is_debian_12() {
  [ -r /etc/os-release ] || return 1
  (. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ]) && command -v dpkg-query >/dev/null
}

# Prints those of "$@" that are not installed, one a line.
missing_packages() {
  { dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } |
    awk 'BEGIN { for (i = 1; i < ARGC; i++) { wanted[i] = ARGV[i] }; n = ARGC; ARGC = 1 }
         $1 == "installed" { there[$2] = 1 }
         END { for (i = 1; i < n; i++) if (!(wanted[i] in there)) print wanted[i] }' "$@"
}

if ! is_debian_12; then
  absent=()
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || absent+=("$tool")
  done
  echo "install-deps: this is not Debian 12; its names of what is needed are: ${packages[*]}" >&2
  if [ ${#absent[@]} -gt 0 ]; then
    echo "install-deps: not found here: ${absent[*]}; install them by your system's own means, then run this again" >&2
    exit 1
  fi
  echo "install-deps: the tools are there; CMake will say which library is not" >&2
  exit 0
fi

mapfile -t missing < <(missing_packages "${packages[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "install-deps: ${#missing[@]} packages are missing; as root, run:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
update() {
  # A broken list of somebody else's source is no reason to stop: what counts is whether the packages can be installed.
  apt-get update </dev/null >>"$log" 2>&1 || true
}
install() {
  apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" </dev/null >>"$log" 2>&1
}
# Whether apt's lists offer every missing package: none of them is unknown or without a candidate.
all_on_offer() {
  local offered
  offered=$(apt-cache policy "${missing[@]}" 2>/dev/null | grep -c '^  Candidate: [^(]') || true
  [ "$offered" = ${#missing[@]} ]
}

echo "install-deps: installing ${missing[*]}"
updated=false
if ! all_on_offer; then
  update
  updated=true
fi
# Lists that are too old name files that are gone: fresh lists cure that.
if ! install && ! { [ $updated = false ] && update && install; }; then
  tail -n 40 "$log" >&2
  echo "install-deps: apt-get could not install ${missing[*]} (see above)" >&2
  exit 1
fi
