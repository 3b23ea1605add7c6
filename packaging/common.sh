# shellcheck shell=bash
# For the scripts beside it: a tree to fill in $stage, and what goes into every package.
# shellcheck disable=SC2034

VERSION=${VERSION:?}
# The revision of this tree, not that of a repository around it.
if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]; then
	revision=$(git describe --always --dirty --abbrev=12)
	: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
	: "${DEBFULLNAME:=$(git log -1 --format=%cn)}" "${DEBEMAIL:=$(git log -1 --format=%ce)}"
else
	revision=unknown
fi
# Who packages it answers for it: the committer unless told, as for the time.
maintainer="${DEBFULLNAME:-unknown} <${DEBEMAIL:-unknown@localhost}>"
: "${SOURCE_DATE_EPOCH:=315532800}"
export SOURCE_DATE_EPOCH

stage() {
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	work=$(mktemp -d "$out/.work.XXXXXX")
	stage=$work/root
	mkdir "$stage"
	trap 'rm -rf "$work"' EXIT
	umask 022
}

# Modes and times that say nothing about who built it, and when.
settle() {
	chmod -R u=rwX,go=rX "$stage"
	find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}
