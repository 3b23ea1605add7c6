#!/usr/bin/env bash
# deb.sh BINARY OUTDIR: autopack_VERSION_ARCH.deb for Debian 12 and Ubuntu 24.04, the same bytes from the same sources.
# Environment: VERSION; SOURCE_DATE_EPOCH (default: the commit's time);
# DEBFULLNAME and DEBEMAIL (the maintainer; default: the committer).
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1 out=$2
# shellcheck source=packaging/common.sh
. packaging/common.sh
arch=$(dpkg --print-architecture)
stage

doc=$stage/usr/share/doc/autopack
bash packaging/install.sh install "$binary" "$stage/usr"
gzip -9n "$stage/usr/share/man/man1/autopack.1"
install -d "$doc"
cp -r README.md docs "$doc/"
cat >"$doc/copyright" <<'TEXT'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: autopack

Files: *
Copyright: 2026, the authors of autopack
License: Apache-2.0
 On Debian systems the whole text is in /usr/share/common-licenses/Apache-2.0.
TEXT
gzip -9n >"$doc/changelog.gz" <<TEXT
autopack ($VERSION) unstable; urgency=medium

  * Built from revision $revision.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
TEXT

install -d "$stage/usr/share/lintian/overrides"
cat >"$stage/usr/share/lintian/overrides/autopack" <<'TEXT'
# libgit2's name holds its version, which differs between Debian 12 and Ubuntu 24.04: it is linked in, with what it
# brings. Repositories are only read locally, so that neither SSH nor TLS of it is ever spoken.
autopack: embedded-library libssh2 [usr/bin/autopack]
autopack: embedded-library mbedtls [usr/bin/autopack]
TEXT

# dpkg-shlibdeps wants the file that a source package would have.
mkdir -p "$work/debian" "$stage/DEBIAN"
printf 'Source: autopack\n\nPackage: autopack\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O -e"root/usr/bin/autopack" | sed -n 's/^shlibs:Depends=//p')
# Where time_t became 64 bits wide a library has a new name, whichever the machine that builds has.
depends=$(printf '%s' "$libraries" | sed -E 's/(lib(curl4|ssl3|archive13))(t64)?( \([^)]*\))?/\1\4 | \1t64\4/g')
size=$(du -k -s --apparent-size "$stage/usr" | cut -f1)

cat >"$stage/DEBIAN/control" <<TEXT
Package: autopack
Version: $VERSION
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $size
Depends: $depends, ca-certificates
Recommends: python3 (>= 3.9), python3-venv
Suggests: bash-completion
Section: devel
Priority: optional
Description: training code to a container image and a Vertex AI job
 Makes a container image of a directory of training code on top of an
 executor image, pushes it through the registry's HTTP API, and submits
 the Vertex AI job, with the words of "gcloud ai". It needs no Docker
 engine and no root.
 .
 To install dependencies into an image it needs uv, which is not a Debian
 package; "autopack doctor" says how to get it.
TEXT
(cd "$stage" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
settle
package=$out/autopack_${VERSION}_$arch.deb
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$stage" "$package" >/dev/null
echo "$package"
