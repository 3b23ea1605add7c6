#!/usr/bin/env bash
# Installs what is missing: Debian packages (with sudo when not root), uv and a
# pinned pip in build/env, the API's message types in build/env-vertex, readers of bills of materials in
# build/env-sbom.  Says what it does; silent when all is there.
#
# setup.sh [build|demo|package|check|full]   default: check, which has all but the browser of the long suites
set -euo pipefail
cd "$(dirname "$0")/../.."

UV_VERSION=0.13.8
PIP_VERSION=26.3
# For tests only: the API's own message types, the pipeline compiler, a checker of CI systems' files.
TYPES='google-cloud-aiplatform==2.7.0 kfp==2.17.0 check-jsonschema==0.39.0'
# CycloneDX's schemas with a validator, SPDX's own reader and validator, NaCl's boxes, for tests only.
SBOM='cyclonedx-python-lib[json-validation]==11.12.0 spdx-tools==0.8.5 lib4sbom==0.10.4 pynacl==1.6.2'

build='gcc make pkg-config libc6-dev libcurl4-openssl-dev libssl-dev libarchive-dev libcjson-dev
	libgit2-dev libdeflate-dev libisal-dev libzstd-dev libyaml-dev zlib1g-dev ca-certificates
	python3 python3-venv git'
demo="$build docker-registry skopeo umoci"
package="$build dpkg-dev xz-utils file"
check="$demo $package libcmocka-dev python3-pip python3-pytest python3-pytest-xdist openssl buildah podman crun docker.io debootstrap
	shellcheck clang-format jq strace tmux less zsh fish curl zstd unzip man-db busybox isal containerd
	qemu-user python3-dev"

case ${1:-check} in
build) want=$build ;;
demo) want=$demo ;;
package) want=$package ;;
check) want=$check ;;
full) want="$check chromium musl-tools" ;;
*) echo "setup.sh: \"$1\" is none of build, demo, package, check, full" >&2; exit 2 ;;
esac

say() { echo "setup: $*" >&2; }
die() { echo "setup: $*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "not root and there is no sudo; as root: $*"
	fi
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
		-o Acquire::Retries=3 "$@" </dev/null >&2
}

missing=()
command -v dpkg-query >/dev/null || die 'this script knows Debian and Ubuntu only; see README.md for what to install'
# shellcheck disable=SC2086
have=" $(dpkg-query -W -f '${Package}:${db:Status-Status} ' $want 2>/dev/null || true)"
for p in $want; do
	# A package that another one provides (pkgconf for pkg-config) counts by its command.
	case $have in
	*" $p:installed "*) ;;
	*) [ "$p" = pkg-config ] && command -v pkg-config >/dev/null || missing+=("$p") ;;
	esac
done

if [ ${#missing[@]} -gt 0 ]; then
	say "installing ${missing[*]}"
	# The lists of a fresh machine are empty, those of an old one name files that are gone.
	if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
		say 'apt-get update'
		apt update || die 'apt-get update failed'
		apt install --no-install-recommends "${missing[@]}" || die "could not install: ${missing[*]}"
	elif ! apt install --no-install-recommends "${missing[@]}"; then
		say 'apt-get update, and again'
		apt update || die 'apt-get update failed'
		apt install --no-install-recommends "${missing[@]}" || die "could not install: ${missing[*]}"
	fi
fi

env=build/env
stamp="$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') uv==$UV_VERSION pip==$PIP_VERSION"
have_env() { [ "$(cat $env/.stamp 2>/dev/null)" = "$stamp" ] && $env/bin/uv --version >/dev/null 2>&1; }
if ! have_env; then
	mkdir -p build
	exec 9>build/.setup.lock
	flock 9
fi
# Another may have made it while this one waited.
if ! have_env; then
	say "uv $UV_VERSION and pip $PIP_VERSION into $env"
	rm -rf $env
	/usr/bin/python3 -m venv $env
	# pip trusts its own list unless told; the machine's store knows the machine's proxies.
	if [ -z "${PIP_CERT:-}" ] && ! $env/bin/pip config list 2>/dev/null | grep -q '\.cert='; then
		export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
	fi
	$env/bin/python -m pip --disable-pip-version-check install -q "uv==$UV_VERSION" "pip==$PIP_VERSION" >&2 ||
		die "pip could not install uv==$UV_VERSION and pip==$PIP_VERSION"
	echo "$stamp" >$env/.stamp
fi

case ${1:-check} in check | full) ;; *) exit 0 ;; esac
# An environment of its own for packages that only tests use: NAME PACKAGES
only_for_tests() {
	local dir=build/env-$1 want="$stamp $2" lock
	[ "$(cat "$dir/.stamp" 2>/dev/null)" != "$want" ] || return 0
	exec {lock}>"build/.setup-$1.lock"
	flock "$lock"
	[ "$(cat "$dir/.stamp" 2>/dev/null)" != "$want" ] || return 0
	say "$2 into $dir"
	rm -rf "$dir"
	/usr/bin/python3 -m venv --without-pip "$dir"
	[ -n "${SSL_CERT_FILE:-}" ] || export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
	# shellcheck disable=SC2086
	$env/bin/python -m pip --disable-pip-version-check --python "$dir/bin/python" \
		install -q $2 >&2 || die "pip could not install $2"
	echo "$want" >"$dir/.stamp"
	exec {lock}>&-
}
only_for_tests vertex "$TYPES"
only_for_tests sbom "$SBOM"
