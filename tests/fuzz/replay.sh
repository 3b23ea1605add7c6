#!/usr/bin/env bash
# replay.sh BINDIR TARGET...: each target over fixtures/fuzz/TARGET.
# Prints "fuzz: N passed, N failed", one for each input and one for each crash.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bin=$1
shift
passed=0 failed=0
for t in "$@"; do
	log=$bin/$t.log
	if n=$("$bin/$t" "fixtures/fuzz/$t" 2>"$log"); then
		passed=$((passed + n))
		printf '  %-20s %5d inputs\n' "$t" "$n"
	else
		failed=$((failed + 1))
		printf '  %-20s FAILED, last input and message:\n' "$t"
		tail -n 20 "$log"
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" = 0 ]
