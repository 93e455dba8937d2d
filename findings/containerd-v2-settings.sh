#!/usr/bin/env bash
# Finding (containerd v2.4.2, from the Go module proxy): of a configuration of version 2, discard_unpacked_layers, disable_snapshot_annotations
# and snapshotter in [plugins."io.containerd.grpc.v1.cri".containerd] count only if a runtime is configured below it, too. Without one
# they are left out in silence: `containerd config dump` shows the defaults (plugins/cri/images/plugin.go, migrateConfig).
# For whoever guards nodes: the same setting makes the CRI pull past image verifiers on one node, and not on the other.
# Fails if that changes. Needs Go 1.26; network for the Go module proxy alone; starts no daemon.
# Output seen on 2026-11-29:
#   containerd 2.4.2
#   same as seen: with a runtime: discard_unpacked_layers = true, disable_snapshot_annotations = false, snapshotter = 'native'
#   same as seen: without: discard_unpacked_layers = false, disable_snapshot_annotations = true, snapshotter = 'overlayfs'
set -euo pipefail
version=v2.4.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
module=$(cd "$dir" && GOWORK=off go mod download -json github.com/containerd/containerd/v2@$version | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp "$module/go.mod" "$module/go.sum" "$dir" && chmod u+w "$dir"/go.*
(cd "$module" && GOWORK=off CGO_ENABLED=0 go build -mod=mod -modfile="$dir/go.mod" -tags "no_btrfs no_devmapper no_zfs" \
	-ldflags "-X github.com/containerd/containerd/v2/version.Version=${version#v}" -o "$dir/containerd" ./cmd/containerd)
"$dir/containerd" --version | cut -d' ' -f1,3

settings="version = 2
[plugins.'io.containerd.grpc.v1.cri'.containerd]
snapshotter = 'native'
disable_snapshot_annotations = false
discard_unpacked_layers = true
"
runtime="[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
"
bad=0
dump() { # WHAT CONFIG EXPECTED
	local now name
	printf '%s' "$2" >"$dir/config.toml"
	now=$("$dir/containerd" --config "$dir/config.toml" config dump 2>/dev/null |
		sed -n "/^ *\[plugins.'io.containerd.cri.v1.images'\]/,/^ *\[/p")
	now=$(for name in discard_unpacked_layers disable_snapshot_annotations snapshotter; do
		sed -n "s/^ *\($name = .*\)/\1/p" <<<"$now" | head -1
	done | paste -sd, | sed 's/,/, /g')
	if [ "$now" = "$3" ]; then echo "same as seen: $1: $now"; else echo "CHANGED: $1: now '$now', was '$3'"; bad=1; fi
}
dump "with a runtime" "$settings$runtime" "discard_unpacked_layers = true, disable_snapshot_annotations = false, snapshotter = 'native'"
dump "without" "$settings" "discard_unpacked_layers = false, disable_snapshot_annotations = true, snapshotter = 'overlayfs'"
exit $bad
