#!/usr/bin/env bash
# What openssl encrypts with a pseudorandom function other than HMAC with SHA-1 or SHA-256, and what it encrypts as it did before
# 1.1, the reader of private keys that cosign has does not open, though the passphrase is right. RFC 8018, appendix B.1.2, lists
# HMAC with SHA-224 to SHA-512 beside them; `openssl pkcs8 -v2prf` writes all.
#
# Seen: github.com/sigstore/sigstore v1.10.11 (which reads them by github.com/youmark/pkcs8), OpenSSL 3.0.19.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
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
go get github.com/sigstore/sigstore@v1.10.11 >/dev/null 2>&1 && go mod tidy >/dev/null 2>&1
go run . hmacWithSHA1 hmacWithSHA256 scrypt hmacWithSHA384 hmacWithSHA512 pbes1 | tee out
cat > want <<'WANT'
hmacWithSHA1: <nil>
hmacWithSHA256: <nil>
scrypt: <nil>
hmacWithSHA384: failed to decrypt and parse encrypted private key: pkcs8: unsupported hash function
hmacWithSHA512: failed to decrypt and parse encrypted private key: pkcs8: unsupported hash function
pbes1: failed to decrypt and parse encrypted private key: pkcs8: only PBES2 supported
WANT
diff want out && echo "as it was seen"
