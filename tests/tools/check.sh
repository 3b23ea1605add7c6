#!/usr/bin/env bash
# Runs the named suites, adds up what they counted, and prints
# "N passed, N failed" as the last line.  A suite that ends badly without
# having counted a failure counts as one.
#
# check.sh SUITE...   unit fuzz e2e full lint, and unit-asan fuzz-asan e2e-asan
# Environment: MODE WERROR JOBS; CHECK_COUNTS=FILE gets "passed failed".
# CHECK_SECONDS=N: after N seconds no suite begins and pytest stops; what was not
# run is said in a line and is no failure.
# Logs: build/check/SUITE.log
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

MODE=${MODE:-release}
JOBS=${JOBS:-$(nproc)}
[ "$JOBS" -le 4 ] || JOBS=4
logs=build/check
mkdir -p $logs
passed=0 failed=0
lines=()

make_in() {
	local mode=$1
	shift
	make --no-print-directory MODE="$mode" WERROR="${WERROR:-}" "$@"
}

# cmocka's closing lines
count_unit() {
	sed -n -E 's/^\[  (PASSED|FAILED)  \] (.*: )?([0-9]+) test\(s\).*/\1 \3/p' "$1" |
		awk '{n[$1] += $2} END {print n["PASSED"] + 0, n["FAILED"] + 0}'
}

# our own "NAME: N passed, N failed"
count_plain() {
	sed -n -E 's/^[a-z]+: ([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$1" |
		awk '{p += $1; f += $2} END {print p + 0, f + 0}'
}

count_junit() {
	/usr/bin/python3 -c '
import sys, xml.etree.ElementTree as e
bad = good = 0
for s in e.parse(sys.argv[1]).getroot().iter("testsuite"):
    n = {k: int(s.get(k, 0)) for k in ("tests", "failures", "errors", "skipped")}
    b = n["failures"] + n["errors"] + n["skipped"]
    bad += b
    good += max(n["tests"] - b, 0)
print(good, bad)' "$1" 2>/dev/null || echo '0 0'
}

# Seconds left; 0, which timeout takes for no limit, where there is none.
left() {
	if [ -n "${CHECK_SECONDS:-}" ]; then
		echo $((CHECK_SECONDS > SECONDS ? CHECK_SECONDS - SECONDS : -1))
	else
		echo 0
	fi
}

# Interrupted, pytest still counts what ran.
run_pytest() {
	local mode=$1 marks=$2 xml=$3
	MODE=$mode timeout --foreground -s INT -k 60 "$(left)" /usr/bin/python3 -m pytest tests/e2e -m "$marks" -n "$JOBS" --dist loadgroup \
		--junitxml "$xml" -o junit_family=xunit2
}

run_suite() {
	local suite=$1 mode=$MODE log=$logs/$1.log status=0 count started=$SECONDS
	if [ "$(left)" = -1 ]; then
		lines+=("$(printf '%-10s not run: %d s were over' "$suite" "$CHECK_SECONDS")")
		return
	fi
	case $suite in *-asan) mode=asan ;; esac
	echo "== $suite ($mode)"
	case $suite in
	unit | unit-asan)
		{ make_in "$mode" -j "$JOBS" "build/$mode/unit" && make_in "$mode" check-unit; } >"$log" 2>&1 || status=$?
		grep -E '^\[  (FAILED|PASSED)  \]|warning:|error:|ERROR: AddressSanitizer|runtime error' "$log"
		count=$(count_unit "$log")
		;;
	fuzz | fuzz-asan)
		{ make_in "$mode" -j "$JOBS" fuzzers && make_in "$mode" check-fuzz; } 2>&1 | tee "$log" || status=$?
		count=$(count_plain "$log")
		;;
	e2e | e2e-asan | full)
		local marks='not full' xml=$logs/$suite.xml
		[ "$suite" = full ] && marks=full
		rm -f "$xml"
		{ make_in "$mode" -j "$JOBS" "build/$mode/autopack" && run_pytest "$mode" "$marks" "$xml"; } 2>&1 |
			tee "$log" || status=$?
		count=$(count_junit "$xml")
		# pytest's 5: nothing collected, which is right only where no such test exists yet.
		[ "$status" = 5 ] && [ "$suite" = full ] && ! grep -rqE 'mark\.full' tests/e2e && status=0
		;;
	lint)
		make_in "$mode" lint 2>&1 | tee "$log" || status=$?
		count=$(count_plain "$log")
		;;
	*)
		echo "check.sh: no suite \"$suite\"" >&2
		exit 2
		;;
	esac
	# shellcheck disable=SC2086
	set -- $count
	local p=$1 f=$2 note=
	if [ "$status" = 124 ]; then
		status=0 note=" (not run whole: cut off after $CHECK_SECONDS s)"
	fi
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
		[ "$suite" = unit ] || [ "$suite" = unit-asan ] && tail -n 40 "$log"
		echo "$suite: ended with status $status"
	fi
	passed=$((passed + p)) failed=$((failed + f))
	lines+=("$(printf '%-10s %5d passed %4d failed %5d s%s' "$suite" "$p" "$f" $((SECONDS - started)) "$note")")
}

for s in "$@"; do
	run_suite "$s"
done
echo
printf '%s\n' "${lines[@]}"
[ $((passed + failed)) -gt 0 ] || [ -n "${CHECK_SECONDS:-}" ] || failed=1
[ -z "${CHECK_COUNTS:-}" ] || echo "$passed $failed" >"$CHECK_COUNTS"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
