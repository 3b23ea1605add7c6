#!/usr/bin/env bash
# fuzz.sh BINDIR SECONDS TARGET...: each target for so long, from its corpus.
# New inputs stay in build/fuzz/corpus; a crash is written to fixtures/fuzz/TARGET/crash-HASH,
# where it stays with its fix.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bin=$1 seconds=$2
shift 2
[ $# -gt 0 ] || { echo 'fuzz: no target in tests/fuzz' >&2; exit 1; }
failed=0
for t in "$@"; do
	mkdir -p "build/fuzz/corpus/$t"
	echo "== $t, $seconds s"
	"$bin/$t" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
		-artifact_prefix="fixtures/fuzz/$t/" "build/fuzz/corpus/$t" "fixtures/fuzz/$t" \
		>"build/fuzz/$t.log" 2>&1 || failed=$((failed + 1))
	grep -E '^(stat::(number_of_executed_units|new_units_added)|SUMMARY|==.*ERROR)' "build/fuzz/$t.log"
done
[ "$failed" = 0 ]
