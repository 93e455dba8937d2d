#!/bin/bash
# Builds the servers of a Sigstore instance from the Go module proxy into a folder, for LADING_SIGSTORE: a quarter of an hour on two cores.
# All of them build with Go 1.26.
set -eu
mkdir -p "$1"
GOBIN=$(cd "$1" && pwd)
export GOBIN CGO_ENABLED=0 GOWORK=off GOFLAGS=
build() { go install -p 1 -ldflags '-s -w' "$1"; }
build github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server@v2.1.3
build github.com/sigstore/fulcio@v1.8.8
build github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix@v2.3.0
mv "$GOBIN/posix" "$GOBIN/rekor-server"
build github.com/transparency-dev/tesseract/cmd/tesseract/posix@v0.1.1 # a log for certificates, which Fulcio needs
mv "$GOBIN/posix" "$GOBIN/tesseract"
