package sigstore_test

import (
	"testing"

	"github.com/ladingdev/lading/verify/sigstore"
)

// A verifier that trusts nobody says so when the program starts.
func TestValidate(t *testing.T) {
	root := parseRoot(t, []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`))
	if err := newVerifier(t, root, nil, anybody).Validate(); err != nil {
		t.Error(err)
	}
	for _, v := range []*sigstore.Verifier{nil, {}, newVerifier(t, root, nil)} {
		if err := v.Validate(); err == nil {
			t.Errorf("%v is valid", v)
		}
	}
}
