#!/bin/sh
# The main job of the quickstart: PageRank over the dependency graph of this machine's Debian packages on 8 tasks in 4 worker
# processes, two of which are killed by SIGKILL on the way; then what the failovers took, the top ten packages, and a
# comparison with a plain serial program.
#
#   quickstart-job.sh BUILD_FOLDER
set -eu
export LC_ALL=C

if [ $# -ne 1 ]; then
  echo "usage: quickstart-job.sh BUILD_FOLDER" >&2
  exit 64
fi
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
output=$(cd "$here/../.." && pwd)/build/quickstart
mkdir -p "$output"
cd "$output"
rm -f ranks.tsv result.json serial.tsv
export XDG_STATE_HOME="$output/state"

"$here/debian-graph.sh" "$output"
cat >topology.json <<'JSON'
{
  "version": 1,
  "job": "debian-packages",
  "plugin": { "path": "pagerank.so", "args": { "input": "edges.txt", "output": "ranks.tsv" } },
  "tasks": { "count": 8, "backups": 1 },
  "links": { "peers": { "shape": "full" } }
}
JSON
cat >chaos.json <<'JSON'
[{ "sigkill": "worker of 3", "at_epoch": 10 }, { "sigkill": "worker of 5", "at_epoch": 25 }]
JSON

echo "+ taskgraph-host --topology $output/topology.json --workers 4 --chaos $output/chaos.json --result $output/result.json" \
  "--log-level debug"
status=0
"$build/bin/taskgraph-host" --topology topology.json --workers 4 --chaos chaos.json --result result.json --log-level debug \
  2>host.log || status=$?
cat host.log
[ "$status" -eq 0 ] || exit "$status"
"$build/bin/pagerank-serial" edges.txt serial.tsv >serial.json

# A number of the result, by its name.
result() { sed -n "s/.*\"$1\": *\([^,}]*\).*/\1/p" result.json; }
restarts=$(result restarts)
iterations=$(result iterations)
if [ "$(result converged)" != true ]; then
  echo "quickstart: the job ended without converging: see $output/result.json" >&2
  exit 1
fi

echo
awk -F '\t' '
  FILENAME == "names.txt" { name[$1] = $2; next }
  FILENAME == "edges.txt" { if ($1 !~ /^#/) needed_by[$2]++; next }
  FNR == 1 { printf "%4s  %-28s %10s  %12s\n", "", "package", "rank", "needed by" }
  FNR <= 10 { printf "%4d  %-28s %10.6f  %12d\n", FNR, name[$1], $2, needed_by[$1] }' names.txt edges.txt ranks.tsv
echo
distance=$(awk -F '\t' '
  FILENAME == "serial.tsv" { rank[$1] = $2; left++; next }
  { if (!($1 in rank)) exit; d = $2 - rank[$1]; sum += d < 0 ? -d : d; left-- }
  END { if (left == 0) printf "%.1e", sum; else print "differs" }' serial.tsv ranks.tsv)
if ! awk -v distance="$distance" 'BEGIN { exit !(distance != "differs" && distance + 0 <= 1e-9) }'; then
  echo "quickstart: the ranks are not those of the serial program: L1 distance $distance, expected at most 1e-9" >&2
  exit 1
fi
# From the moment at which the worker is about to signal itself to the last new primary, by the log's milliseconds.
awk '
  function ms(time) { split(substr(time, 12), t, /[:Z]/); return ((t[1] * 60 + t[2]) * 60 + t[3]) * 1000 }
  function tell() { if (tasks) printf "%s: its %d tasks had new primaries %d ms later.\n", what, tasks, last - began }
  /chaos: sigkill worker of task/ { tell(); what = "SIGKILL of the worker of task " $8 " in epoch " $11; began = ms($1); tasks = 0 }
  what != "" && / goes on: / { tasks++; last = ms($1) }
  END { tell() }' host.log
echo "$restarts tasks were killed on the way and began anew; $iterations iterations."
echo "The ranks agree with the serial program's: L1 distance $distance (limit 1e-9). All files are in $output"
