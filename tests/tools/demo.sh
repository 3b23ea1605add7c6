#!/usr/bin/env bash
# make demo: training code to a pushed image and a job, every part real:
# an executor image from Debian's packages, Debian's docker-registry on
# loopback, dependencies from the package index, readers that are not ours.
#
# DEMO_SRC=DIR DEMO_SCRIPT=x.py [DEMO_ARGS='...'] do the same with another project.
set -euo pipefail
cd "$(dirname "$0")/../.."

autopack=${DEMO_BINARY:-$PWD/build/release/autopack}
src=${DEMO_SRC:-fixtures/demo}
script=${DEMO_SCRIPT:-train.py}
args=${DEMO_ARGS:-}
[ -d "$src" ] || { echo "demo: DEMO_SRC=$src is not a directory" >&2; exit 2; }
[ -f "$src/$script" ] || { echo "demo: there is no $script in $src (DEMO_SCRIPT=)" >&2; exit 2; }
src=$(cd "$src" && pwd)

work=build/demo
mkdir -p $work
top=$(mktemp -d "$PWD/$work/run.XXXXXX")
export XDG_CACHE_HOME=${DEMO_CACHE:-$PWD/$work/cache} CLOUDSDK_CONFIG=$top/gcloud TMPDIR=$top
# uv trusts its own list unless told; the machine's store knows the machine's proxies.
export SSL_CERT_FILE=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
export PATH=$PWD/build/env/bin:$PATH
registry=
cleanup() {
	[ -z "$registry" ] || kill "$registry" 2>/dev/null || true
	rm -rf "$top"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
show() {
	local shown="+ autopack"
	shift
	for a in "$@"; do shown+=" ${a//$src/SRC}"; done
	echo "$shown" >&2
	"$autopack" "$@"
}

step 'executor image: Debian python3 and numpy, by apt-get download and dpkg-deb'
base=$(bash fixtures/executor/get.sh debian)
du -sh "$base" >&2

step 'registry: docker-registry on 127.0.0.1'
cat >"$top/registry.json" <<JSON
{"version": 0.1, "log": {"level": "info", "accesslog": {"disabled": true}},
 "storage": {"filesystem": {"rootdirectory": "$top/registry"}},
 "http": {"addr": "127.0.0.1:0", "secret": "demo"}}
JSON
: >"$top/registry.log"
docker-registry serve "$top/registry.json" >"$top/registry.log" 2>&1 &
registry=$!
host=
for _ in $(seq 200); do
	host=$(sed -n -E 's/.*listening on (127\.0\.0\.1:[0-9]+).*/\1/p' "$top/registry.log")
	[ -z "$host" ] || break
	kill -0 $registry 2>/dev/null || break
	sleep 0.05
done
[ -n "$host" ] || { cat "$top/registry.log" >&2; exit 1; }
skopeo copy -q --dest-tls-verify=false "oci:$base:latest" "docker://$host/team/executor:1"
echo "$host/team/executor:1" >&2

pool="machine-type=n1-standard-4,replica-count=1,executor-image-uri=$host/team/executor:1"
pool+=",local-package-path=$src,script=$script,output-image-uri=$host/team/train:demo"
job=(custom-jobs create --project=demo-project --region=us-central1 --display-name=demo "--worker-pool-spec=$pool")
[ -z "$args" ] || job+=("--args=${args// /,}")

step 'dry run: the request that would be sent; nothing is built'
show autopack "${job[@]}" --dry-run

step 'build and push: no engine, no root, the base is not pulled'
started=$(date +%s.%N)
image=$(show autopack build --executor-image-uri="$host/team/executor:1" --local-package-path="$src" \
	--script="$script" --output-image-uri="$host/team/train:demo")
echo "$image   ($(echo "$(date +%s.%N) $started" | awk '{printf "%.2f", $1 - $2}') s)"

step 'again: nothing changed, nothing is sent'
started=$(date +%s.%N)
again=$(show autopack build --executor-image-uri="$host/team/executor:1" --local-package-path="$src" \
	--script="$script" --output-image-uri="$host/team/train:demo")
echo "$again   ($(echo "$(date +%s.%N) $started" | awk '{printf "%.2f", $1 - $2}') s)"
[ "$again" = "$image" ] || { echo 'demo: the second build has another digest' >&2; exit 1; }

step 'the job as it is submitted after a push: the image by digest'
show autopack "${job[@]}" --dry-run=pushed --format=yaml

step 'read back by skopeo'
skopeo inspect --tls-verify=false "docker://$image" >"$top/inspect.json"
skopeo inspect --tls-verify=false --config "docker://$image" >"$top/config.json"
/usr/bin/python3 - "$top/inspect.json" "$top/config.json" <<'PY'
import json, sys
i, c = (json.load(open(f)) for f in sys.argv[1:])
print("digest", i["Digest"], "with", len(i["Layers"]), "layers")
for k in ("Entrypoint", "WorkingDir", "Env"):
    print(k, json.dumps(c["config"].get(k)))
PY

step 'run'
skopeo copy -q --src-tls-verify=false "docker://$image" "oci:$top/image:run"
rootless=()
[ "$(id -u)" = 0 ] || rootless=(--rootless)
umoci unpack "${rootless[@]}" --image "$top/image:run" "$top/bundle" 2>"$top/umoci.log" ||
	{ cat "$top/umoci.log" >&2; exit 1; }
# shellcheck disable=SC2086
/usr/bin/python3 tests/tools/run_image.py "$top/bundle/rootfs" "$top/config.json" $args

step "done in $SECONDS s"
