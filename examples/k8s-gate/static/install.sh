#!/bin/sh
# Installs the static manifests, or newer ones: install.sh FROM TO, such as install.sh static /etc/kubernetes/lading.
# A file is written beside its place and renamed, for the API server reads a directory again when anything in it changes, and half a
# file would be half a gate. The file beside is in a folder of its own: all that is in a directory of manifests is read.
set -eu
from=$1 to=$2
mkdir -p "$to/.new"
for dir in webhooks policies; do
  mkdir -p "$to/$dir"
  for file in "$from/$dir"/*.yaml; do
    name=$(basename "$file")
    cp "$file" "$to/.new/$dir-$name"
    mv "$to/.new/$dir-$name" "$to/$dir/$name"
  done
done
rmdir "$to/.new"
