#!/usr/bin/env bash
# Finding (github.com/sigstore/sigstore v1.10.11, by whose reader of private keys Fulcio 1.8.8, with a file as authority, rekor-tiles
# 2.3.0 and timestamp-authority 2.1.3 load key files; cosign 3.1.3 does not): a private key that openssl encrypts with HMAC-SHA-384
# or HMAC-SHA-512 as pseudorandom function, or with the older PBES1, is not opened, though the passphrase is right and openssl itself
# opens it. RFC 8018, appendix B.1.2, lists HMAC with SHA-224 to SHA-512 beside SHA-1 and SHA-256, which are opened.
# For whoever runs such a server with a key by openssl: `openssl pkcs8 -topk8 -v2prf hmacWithSHA256` makes one that it reads.
# Fails if that changes. Needs openssl and Go 1.26; network for the Go module proxy alone.
# Output seen on 2026-11-29, with OpenSSL 3.0.19: what stands below as WANT, and "same as seen".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
openssl version
openssl ecparam -name prime256v1 -genkey -noout -out plain.pem
for prf in hmacWithSHA1 hmacWithSHA256 hmacWithSHA384 hmacWithSHA512; do
	openssl pkcs8 -topk8 -v2prf $prf -in plain.pem -passout pass:secret -out $prf.pem
	openssl pkey -in $prf.pem -passin pass:secret -noout # openssl itself opens it
done
openssl pkcs8 -topk8 -scrypt -in plain.pem -passout pass:secret -out scrypt.pem
openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in plain.pem -passout pass:secret -out pbes1.pem
cat > go.mod <<'MOD'
module finding
go 1.26
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

func main() {
	for _, name := range os.Args[1:] {
		data, err := os.ReadFile(name + ".pem")
		if err != nil {
			panic(err)
		}
		_, err = cryptoutils.UnmarshalPEMToPrivateKey(data, func(bool) ([]byte, error) { return []byte("secret"), nil })
		fmt.Printf("%s: %v\n", name, err)
	}
}
GO
export GOWORK=off
go get github.com/sigstore/sigstore@v1.10.11 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run . hmacWithSHA1 hmacWithSHA256 scrypt hmacWithSHA384 hmacWithSHA512 pbes1 | tee out
cat > want <<'WANT'
hmacWithSHA1: <nil>
hmacWithSHA256: <nil>
scrypt: <nil>
hmacWithSHA384: failed to decrypt and parse encrypted private key: pkcs8: unsupported hash function
hmacWithSHA512: failed to decrypt and parse encrypted private key: pkcs8: unsupported hash function
pbes1: failed to decrypt and parse encrypted private key: pkcs8: only PBES2 supported
WANT
diff want out && echo "same as seen"
