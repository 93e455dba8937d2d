#!/usr/bin/env bash
# build.sh DIR makes the site in DIR. LADING_HUGO names a hugo that is built already.
set -euo pipefail
cd "$(dirname "$0")"
out=$(realpath -m "${1:?usage: build.sh DIR}")
hugo=${LADING_HUGO:-}
if [ -z "$hugo" ]; then
	hugo=$(mktemp -d)/hugo
	GOWORK=off CGO_ENABLED=0 go build -o "$hugo" github.com/gohugoio/hugo
fi
"$hugo" --quiet --noBuildLock --cacheDir "$(mktemp -d)" --destination "$out"
