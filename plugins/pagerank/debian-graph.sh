#!/bin/sh
# Writes the dependency graph of the Debian packages that this machine knows.
#
#   debian-graph.sh FOLDER [ROOT]
#
# FOLDER/edges.txt: an edge for each "package depends on package", by Depends and Pre-Depends (SNAP edge list).
# FOLDER/names.txt: id<TAB>name of each package.
# Read are apt's package lists, or dpkg's list of the installed packages where there are none; below ROOT, if it is given.
# Of alternatives (a | b) the first counts: it is what apt takes on an empty system. Versions and architectures are left
# out; a package that several lists hold has the dependencies of all of them. A name that no package bears (a virtual
# package) has no vertex.
set -eu
export LC_ALL=C

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: debian-graph.sh FOLDER [ROOT]" >&2
  exit 64
fi
folder=$1
root=${2:-}

# Stanzas of `Field: value`, with an empty line between two; a line that begins with a blank goes on with the value.
graph() {
  awk -v edges="$folder/edges.txt.new" -v names="$folder/names.txt.new" '
    function end_of_stanza() {
      if (package != "" && installed) {
        if (!(package in id)) { id[package] = ++count; name[count] = package }
        needs[id[package]] = needs[id[package]] "," depends
      }
      package = depends = field = ""
      installed = 1
    }
    BEGIN { installed = 1 }
    /^[ \t]*$/ { end_of_stanza(); next }
    /^[ \t]/ { if (field == "Depends:" || field == "Pre-Depends:") depends = depends $0; next }
    { field = $1 }
    field == "Package:" { if (package != "") end_of_stanza(); package = $2 }
    field == "Status:" { installed = ($NF == "installed") }
    field == "Depends:" || field == "Pre-Depends:" { depends = depends "," substr($0, length(field) + 1) }
    END {
      end_of_stanza()
      print "# package -> package that it depends on" > edges
      for (i = 1; i <= count; i++) {
        print i "\t" name[i] > names
        n = split(needs[i], groups, ",")
        for (g = 1; g <= n; g++) {
          split(groups[g], words, /[ \t(|:]+/)
          first = words[1] != "" ? words[1] : words[2]
          if (first in id && !((i, first) in seen)) {
            seen[i, first] = 1
            print i "\t" id[first] > edges
            total++
          }
        }
      }
      print count + 0, total + 0
    }'
}

lists() {
  for list in "$root"/var/lib/apt/lists/*_Packages "$root"/var/lib/apt/lists/*_Packages.*; do
    [ -f "$list" ] || continue
    case $list in
      *_Packages) cat "$list" ;;
      *) /usr/lib/apt/apt-helper cat-file "$list" ;;
    esac
    echo
  done
}

mkdir -p "$folder"
source="apt's package lists"
counts=$(lists | graph)
if [ "${counts#* }" = 0 ] && [ -f "$root/var/lib/dpkg/status" ]; then
  source="the installed packages"
  counts=$(graph <"$root/var/lib/dpkg/status")
fi
if [ "${counts#* }" = 0 ]; then
  rm -f "$folder/edges.txt.new" "$folder/names.txt.new"
  echo "debian-graph: neither apt's package lists nor dpkg's status is here: run it on Debian or its kin (after apt-get update)" >&2
  exit 1
fi
mv "$folder/edges.txt.new" "$folder/edges.txt"
mv "$folder/names.txt.new" "$folder/names.txt"
echo "${counts% *} packages, ${counts#* } dependencies, from $source"
