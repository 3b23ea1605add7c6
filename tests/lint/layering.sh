#!/usr/bin/env bash
# Fails on an include against the arrows of the rooms: NAME:LINE -> ROOM.
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 1
declare -A may=(
	[base]='base'
	[deps]='base deps'
	[pack]='base deps pack'
	[attest]='base deps pack attest'
	[registry]='base pack registry'
	[dockerfile]='base pack dockerfile'
	[vertex]='base vertex'
	[cli]='base deps pack attest registry dockerfile vertex cli'
)
bad=0
for room in "${!may[@]}"; do
	[ -d "$room" ] || continue
	while IFS=: read -r file line text; do
		to=${text#*\"}
		to=${to%%\"*}
		case $to in
		*/*) to=${to%%/*} ;;
		*) echo "$file:$line: include \"$to\" from the root: \"$room/$to\"" && bad=1 && continue ;;
		esac
		case " ${may[$room]} " in
		*" $to "*) ;;
		*) echo "$file:$line: $room/ may not include $to/" && bad=1 ;;
		esac
	done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$room" --include='*.[ch]')
done
exit $bad
