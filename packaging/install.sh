#!/usr/bin/env bash
# install.sh install|uninstall BINARY PREFIX
set -euo pipefail
what=$1 binary=$2 prefix=$3

# What the binary itself prints: completions, and --help as a man page, cannot drift from its options.
completion() {
	case $1 in
	bash) echo share/bash-completion/completions/autopack ;;
	zsh) echo share/zsh/site-functions/_autopack ;;
	fish) echo share/fish/vendor_completions.d/autopack.fish ;;
	esac
}

if [ "$what" = uninstall ]; then
	rm -f "$prefix/bin/autopack" "$prefix/share/man/man1/autopack.1"
	for sh in bash zsh fish; do rm -f "$prefix/$(completion $sh)"; done
	exit 0
fi
install -D -m 0755 "$binary" "$prefix/bin/autopack"
for sh in bash zsh fish; do
	install -d "$prefix/$(dirname "$(completion $sh)")"
	"$binary" completion $sh >"$prefix/$(completion $sh)"
done
install -d "$prefix/share/man/man1"
/usr/bin/python3 "$(dirname "$0")/manpage.py" "$binary" >"$prefix/share/man/man1/autopack.1"
