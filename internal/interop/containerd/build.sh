#!/bin/bash
# Builds containerd and ctr 2.4.2 from the Go module proxy into a folder, for LADING_CONTAINERD: ten minutes on two cores.
# It is built in its module's own folder with its own requirements, written elsewhere, for that folder is read only.
set -eu
mkdir -p "$1" && to=$(cd "$1" && pwd)
export CGO_ENABLED=0 GOWORK=off
c=$(cd "$to" && go mod download -json github.com/containerd/containerd/v2@v2.4.2 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp "$c/go.mod" "$c/go.sum" "$to" && chmod u+w "$to/go.mod" "$to/go.sum"
cd "$c"
v=github.com/containerd/containerd/v2/version
for program in containerd ctr; do
	go build -p 1 -mod=mod -modfile="$to/go.mod" -tags "no_btrfs no_devmapper no_zfs" -ldflags "-X $v.Version=2.4.2" -o "$to/$program" ./cmd/$program
done
rm "$to/go.mod" "$to/go.sum"
