#!/usr/bin/env bash
# The first command: installs what is missing, builds Release, and runs the main job on this machine: PageRank over the
# dependency graph of its Debian packages, with two worker processes killed by SIGKILL on the way. Its files stay in
# build/quickstart/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. packaging/steps.sh

output=$root/build/quickstart
mkdir -p "$output"
./packaging/install-deps.sh build
prepare_build "$root"
export -f build_preset
run_step "build Release (build/release)" "$output/build.log" 3600 build_preset release

exec ./plugins/pagerank/quickstart-job.sh "$root/build/release" </dev/null
