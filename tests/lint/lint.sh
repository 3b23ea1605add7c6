#!/usr/bin/env bash
# Every check prints its findings; the last line is "lint: N passed, N failed".
# Environment: CC CPPFLAGS CFLAGS as make has them.
# shellcheck disable=SC2016 # the texts in single quotes are programs
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C
passed=0 failed=0

check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1) && [ -z "$out" ]; then
		passed=$((passed + 1))
		echo "  ok      $name"
	else
		failed=$((failed + 1))
		echo "  FAILED  $name"
		printf '%s\n' "$out" | head -n 40 | sed 's/^/          /'
	fi
}

# Files that are tracked or would be: a new file is linted before its first commit.
files() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }
sources() { files '*.c' '*.h'; }
scripts() { files '*.sh' .ci/run; }

# Nothing found is what is wanted.
none() { ! grep -nH "$@" /dev/null; }

headers_alone() {
	# shellcheck disable=SC2086
	files '*.h' | xargs -P 2 -n 8 bash -c '
		for h in "$@"; do
			echo "#include \"$h\"" | eval "$CC $CPPFLAGS -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -x c -" || echo "$h does not compile alone"
		done' _
}

banned() {
	local words='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|strncpy|strncat|system|popen|tmpnam|tempnam|mktemp|alloca|asctime|ctime|signal|setjmp|rand|srand'
	# shellcheck disable=SC2046
	none -wE "($words) ?\(" $(files 'base/*.[ch]' 'deps/*.[ch]' 'pack/*.[ch]' 'attest/*.[ch]' 'registry/*.[ch]' 'dockerfile/*.[ch]' 'vertex/*.[ch]' 'cli/*.[ch]')
}

# Only cli/ prints, only cli/main.c exits (and base/compiler.c, when memory is out).
prints() {
	# shellcheck disable=SC2046
	none -wE '(printf|puts|putchar|perror) ?\(|[(,] ?stdout[,)]' $(files 'base/*.c' 'deps/*.c' 'pack/*.c' 'attest/*.c' 'registry/*.c' 'dockerfile/*.c' 'vertex/*.c')
	# shellcheck disable=SC2046
	none -E '(^|[^.A-Za-z0-9_])(exit|_exit|quick_exit) ?\(' $(files 'deps/*.c' 'pack/*.c' 'attest/*.c' 'registry/*.c' 'dockerfile/*.c' 'vertex/*.c')
}

guards() {
	files 'base/*.h' 'deps/*.h' 'pack/*.h' 'attest/*.h' 'registry/*.h' 'dockerfile/*.h' 'vertex/*.h' 'cli/*.h' | while read -r h; do
		g=AP_$(echo "${h%.h}" | tr 'a-z/-' 'A-Z__')_H
		grep -q "^#ifndef $g\$" "$h" || echo "$h: guard is not $g"
	done
}

formatted() {
	local v
	v=$(clang-format --version | sed -n -E 's/.*version ([0-9]+).*/\1/p')
	# Each version lays out a few things its own way; the house is Debian 12's.
	[ "$v" = 14 ] || return 0
	sources | xargs clang-format --dry-run --Werror 2>&1 | grep -E 'error:' | cut -d: -f1-2 | uniq
	return 0
}

machine_paths() {
	# shellcheck disable=SC2046
	none -E '(^|[^A-Za-z0-9_.])/(work/(main|wt|shared|\.)|root/|opt/wheels|farm/)' $(files | grep -vE '^tests/lint/lint\.sh$|\.(whl|gz|tar|png)$|^fixtures/(fuzz|oracle)/')
}

left_open() {
	# shellcheck disable=SC2046
	none -wE 'TODO|FIXME|XXX|HACK' $(files '*.c' '*.h' '*.py' '*.sh' Makefile | grep -v '^tests/lint/lint\.sh$')
}

no_skips() {
	# shellcheck disable=SC2046
	none -E 'pytest\.(skip|importorskip|xfail|mark\.(skip|skipif|xfail))|[^a-z_]skip\(\)' $(files 'tests/*.[ch]' 'tests/*.py')
}

# Errors and warnings are read as a set: one form for all.
messages() { files 'base/*.c' 'deps/*.c' 'pack/*.c' 'registry/*.c' 'dockerfile/*.c' 'vertex/*.c' 'attest/*.c' 'cli/*.c' | xargs /usr/bin/python3 tests/lint/messages.py; }

shell() { scripts | xargs -r shellcheck -x; }

python_compiles() {
	# shellcheck disable=SC2046
	/usr/bin/python3 - $(files '*.py' | grep -v '^fixtures/') <<-'PY'
		import ast, sys
		for f in sys.argv[1:]:
		    try:
		        ast.parse(open(f).read(), f)
		    except SyntaxError as e:
		        print(f"{f}:{e.lineno}: {e.msg}")
	PY
}

trailing_space() {
	# shellcheck disable=SC2046
	none -E '[[:space:]]+$' $(files '*.c' '*.h' '*.py' '*.sh' Makefile README.md .ci/run)
}

# Compiled again by gcc's analyzer; a file whose own and included text is unchanged is not read again.
analyzer() {
	mkdir -p build/lint
	files 'base/*.c' 'deps/*.c' 'pack/*.c' 'attest/*.c' 'registry/*.c' 'dockerfile/*.c' 'vertex/*.c' 'cli/*.c' |
		xargs -P "$(nproc)" -n 1 bash -c '
			o=build/lint/${1//\//_}
			key=$(eval "$CC $CPPFLAGS -std=gnu11 -E $1" 2>/dev/null | sha256sum)
			if [ "$(head -n 1 "$o.ok" 2>/dev/null)" = "$key" ]; then exit 0; fi
			if out=$(eval "$CC $CPPFLAGS -std=gnu11 -O1 -fanalyzer $AN -c $1 -o $o.o" 2>&1) && [ -z "$out" ]; then
				echo "$key" > "$o.ok"
			else
				printf "%s\n" "$out" | grep -E "warning:|error:"
			fi
			rm -f "$o.o"' _
	return 0
}

tidy() {
	files 'base/*.c' 'deps/*.c' 'pack/*.c' 'attest/*.c' 'registry/*.c' 'dockerfile/*.c' 'vertex/*.c' 'cli/*.c' |
		xargs -P "$(nproc)" -n 4 bash -c 'eval "clang-tidy --quiet --checks=-*,bugprone-infinite-loop,bugprone-suspicious-memset-usage,bugprone-suspicious-string-compare,bugprone-use-after-move $* -- $CPPFLAGS -std=gnu11"' _ 2>/dev/null |
		grep -E 'warning:|error:'
	return 0
}

sizes() {
	sources | grep -vE '^(tests|fixtures)/' | xargs -r wc -l | sort -rn |
		awk '$2 != "total" && $1 > 500 {printf "  note    long file      %5d  %s\n", $1, $2}'
	sources | grep -E '\.c$' | grep -vE '^(tests|fixtures)/' |
		xargs -r awk 'FNR == 1 {s = 0} /^{/ {s = FNR} /^}/ {if (s && FNR - s > 70) printf "  note    long function  %5d  %s:%d\n", FNR - s, FILENAME, s; s = 0}' | sort -rn -k 4
}

# The analyzer knows nothing of cleanup attributes, nor that ap_x*alloc() never gives NULL and ap_err_set() always -1.
export CC CPPFLAGS AN='-Wno-analyzer-malloc-leak -Wno-analyzer-fd-leak -Wno-analyzer-file-leak -Wno-analyzer-null-dereference -Wno-analyzer-null-argument -Wno-analyzer-use-of-uninitialized-value'

check 'arrows between the rooms' bash tests/lint/layering.sh
check 'headers compile alone' headers_alone
check 'header guards' guards
check 'banned functions' banned
check 'only cli prints and exits' prints
check 'no path of a machine' machine_paths
check 'nothing left open' left_open
check 'no test is skipped' no_skips
check 'trailing space' trailing_space
check 'form of the messages' messages
check 'python parses' python_compiles
if command -v shellcheck >/dev/null; then check 'shellcheck' shell; fi
if command -v clang-format >/dev/null; then check 'clang-format' formatted; fi
check 'gcc -fanalyzer' analyzer
if command -v clang-tidy >/dev/null; then check 'clang-tidy' tidy; fi
sizes
echo "lint: $passed passed, $failed failed"
[ "$failed" = 0 ]
