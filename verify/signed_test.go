package verify_test

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// schemeOf is the scheme that a tool signed with, by the name of its file, and zero for the default of the key's type.
func schemeOf(name string) verify.Scheme {
	is := func(parts ...string) bool {
		for _, p := range parts {
			if !strings.Contains(name, p) {
				return false
			}
		}
		return true
	}
	switch {
	case is("cosign-ed25519.attest"), is("cosign-legacy-ed25519"):
		return verify.Ed25519ph
	case is("securesystemslib", "-rsa."), is("witness-rsa."):
		return verify.SHA256WithRSAPSS
	case is("witness-p384."):
		return verify.ECDSAWithSHA256
	}
	return 0
}

// What other tools signed is verified with the scheme that is theirs, by no other, and with no other key, whatever keyid or hint
// they wrote. Where the scheme is not the default, the refusal names it.
func TestSignedByOthers(t *testing.T) {
	files := unpack(t, "signed.tar.gz")
	keys := map[string]verify.TrustedKey{}
	for name, data := range files {
		if base, ok := strings.CutSuffix(path.Base(name), ".pub"); ok {
			keys[base] = trusted(t, data)
		}
	}
	image := verify.Descriptor{Digest: "sha256:940a74785e3fe304af61d17d2642d13082105211e4889d15bb32ae57b9d6d322"}
	blob := files["./blob.txt"]
	tried := 0
	for name, data := range files {
		base := path.Base(name)
		evidence := verify.Descriptor{MediaType: bundleType, Data: data}
		if strings.HasSuffix(base, ".dsse.json") {
			evidence.MediaType = dsseType
		} else if !strings.HasSuffix(base, ".sigstore.json") {
			continue
		}
		tried++
		var signers int
		for keyName, key := range keys {
			mine := strings.TrimSuffix(base, ".dsse.json") == keyName || keys[strings.TrimSuffix(base, ".dsse.json")].Key == nil &&
				strings.Contains(base, "-"+keyName) ||
				strings.Contains(base, "four-signatures") && !strings.Contains(keyName, "-")
			verdict := func(schemes ...verify.Scheme) error {
				v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Key, Schemes: schemes}}, Formats: allFormats}
				if strings.Contains(base, ".blob.") {
					_, err := v.VerifyBlob(t.Context(), bytes.NewReader(blob), evidence)
					return err
				}
				subject := image
				if strings.Contains(base, "attest-blob-predicate") {
					subject.Digest = digest.FromBytes(blob)
				}
				_, err := v.Verify(t.Context(), subject, evidence)
				return err
			}
			s := schemeOf(base)
			if strings.Contains(base, "four-signatures") && keyName == "rsa" {
				s = verify.SHA256WithRSAPSS
			}
			err := verdict(s)
			if (err == nil) != mine {
				t.Errorf("%s with %s by %v: %v", base, keyName, s, err)
			}
			if !mine {
				if err := verdict(schemesOf(key)...); err == nil {
					t.Errorf("%s is accepted with %s", base, keyName)
				}
				continue
			}
			signers++
			if err := verdict(); s != 0 && (!errors.Is(err, verify.ErrNotTrusted) || !strings.Contains(err.Error(), s.String())) {
				t.Errorf("%s by default: %v", base, err)
			}
		}
		if want := map[bool]int{false: 1, true: 4}[strings.Contains(base, "four-signatures")]; signers != want {
			t.Errorf("%s: %d keys tried that are its own", base, signers)
		}
	}
	if tried < 35 {
		t.Errorf("%d files", tried)
	}
	t.Logf("%d files by %d keys", tried, len(keys))
}
