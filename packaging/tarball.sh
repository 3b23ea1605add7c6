#!/usr/bin/env bash
# tarball.sh BINARY OUTDIR: autopack-VERSION-linux-MACHINE.tar.gz, to unpack anywhere; the same bytes from the same sources.
# Environment: VERSION; SOURCE_DATE_EPOCH (default: the commit's time).
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1 out=$2
# shellcheck source=packaging/common.sh
. packaging/common.sh
stage

name=autopack-$VERSION-linux-$(uname -m)
bash packaging/install.sh install "$binary" "$stage/$name"
install -d "$stage/$name/doc"
cp -r LICENSE README.md docs "$stage/$name/doc/"
needed=$(readelf -d "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^libc\.so' | LC_ALL=C sort)
libc=$(objdump -T "$binary" | grep -o 'GLIBC_2\.[0-9]*' | sort -u -t. -k2n | tail -n 1)
# shellcheck disable=SC2086 # one name a line
cat >"$stage/$name/README" <<TEXT
autopack $VERSION ($revision)

Unpack it anywhere and run bin/autopack, or put it below /usr/local:

    tar -xzf $name.tar.gz --strip-components=1 -C /usr/local $name/bin $name/share

It is one program and not wholly static: libgit2, libdeflate, libzstd and
libyaml are inside, and these libraries must be on the machine, of these names:

$(printf '    %s\n' $needed)
    libc.so.6 of version ${libc#GLIBC_} or newer

Not inside is what Debian has no static library of (libcjson, libisal, and
Kerberos, which libcurl asks for) and what a system ought to keep up to date
itself (libcurl, OpenSSL). On Debian 12 and Ubuntu 24.04 the .deb asks for
all of them by itself. "ldd bin/autopack" shows what is missing.

At run time autopack wants uv and Python 3.9 or newer when there are
dependencies to resolve; "bin/autopack doctor" says what it finds.
TEXT
settle
tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
	gzip -9n >"$work/tarball"
mv "$work/tarball" "$out/$name.tar.gz"
chmod 644 "$out/$name.tar.gz"
echo "$out/$name.tar.gz"
