#!/bin/bash
# Builds etcd 3.7.0, kube-apiserver and kubectl 1.37.2 from the Go module proxy into a folder, for LADING_KUBERNETES: half an hour on two cores.
# The API server's module replaces those of its staging folder; so it is built from a module that has its requirements without.
set -eu
mkdir -p "$1" && cd "$1"
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=mod
k=$(go mod download -json k8s.io/kubernetes@v1.37.2 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
sed -e 's/^module .*/module wrap/' -e 's#\(k8s\.io/[a-z-]*\) v0\.0\.0$#\1 v0.37.2#' -e 's#\(k8s\.io/[a-z-]*\) v0\.0\.0 #\1 v0.37.2 #' \
	-e '/^replace (/,/^)/d' -e '/^tool (/,/^)/d' "$k/go.mod" >go.mod
printf '\nrequire k8s.io/kubernetes v1.37.2\n' >>go.mod
cp "$k/go.sum" go.sum && chmod u+w go.sum
go build -p 1 -o etcd go.etcd.io/etcd/server/v3
v=k8s.io/component-base/version
for program in kube-apiserver kubectl; do
	go build -p 1 -ldflags "-s -w -X $v.gitVersion=v1.37.2 -X $v.gitMajor=1 -X $v.gitMinor=37" -o $program k8s.io/kubernetes/cmd/$program
done
rm go.mod go.sum
