#!/usr/bin/env bash
# image.sh BINARY OUTDIR: autopack-VERSION-image.tar, a container image of autopack with uv inside, made by autopack.
#
# Its base has Python: BASE=REFERENCE names one, any with glibc 2.36 or newer; the default is the demo's executor image.
# "autopack copy oci-archive:FILE HOST/PATH" pushes it.  Environment: VERSION; SOURCE_DATE_EPOCH (default: the commit's time).
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1 out=$2
# shellcheck source=packaging/common.sh
. packaging/common.sh
stage

base=${BASE:-oci:$(bash fixtures/executor/get.sh debian):latest}
install -D -m 0755 "$binary" "$stage/bin/autopack"
install -D -m 0755 packaging/autopack.sh "$stage/autopack.sh"
mkdir "$stage/lib"
# The libraries that it is linked with, less those of the C library, which are the base's.
ldd "$binary" | awk '$2 == "=>" {print $1, $3}' | while read -r name path; do
	case $name in
	libc.so.* | libm.so.* | libresolv.so.* | libpthread.so.* | libdl.so.* | librt.so.*) ;;
	*) install -m 0644 "$path" "$stage/lib/$name" ;;
	esac
done
# Debian's list of authorities: a machine's own store may hold the machine's own.
mkdir "$stage/etc"
cat /usr/share/ca-certificates/mozilla/*.crt >"$stage/etc/ca-certificates.crt"
settle

uv=$(sed -n 's/^UV_VERSION=//p' tests/tools/setup.sh)
PATH=$PWD/build/env/bin:$PATH "$(dirname "$(dirname "$(dirname "$binary")")")/autopack" build \
	--executor-image-uri="$base" --local-package-path="$stage" --script=autopack.sh --requirements="uv==$uv" \
	--env=PATH=/usr/app:/usr/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	--env=SSL_CERT_FILE=/usr/app/etc/ca-certificates.crt \
	--no-vcs-labels --image="oci-archive:$work/image.tar" --project=autopack >"$work/digest"
mv "$work/image.tar" "$out/autopack-$VERSION-image.tar"
echo "$out/autopack-$VERSION-image.tar"
