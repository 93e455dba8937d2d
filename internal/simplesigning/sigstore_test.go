package simplesigning

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// The library of Sigstore's tools writes the payload as we do, to the byte, and each reads what the other writes.
func TestSigstoreWritesTheSame(t *testing.T) {
	const sum = "sha256:9aa09577c310fc360616e8ee16d4c197a84a28e52bf3cade781c7204df9f205d"
	for _, tt := range []struct {
		reference string
		optional  map[string]string
	}{
		{"127.0.0.1:6200/demo/legacy", nil},
		{"registry.example/team/app", map[string]string{"commit": "b2b2b2", "by": "a \"quoted\" name, <b> & \u00e9\n"}},
	} {
		ref, err := name.NewDigest(tt.reference + "@" + sum)
		if err != nil {
			t.Fatal(err)
		}
		theirs := payload.Cosign{Image: ref}
		for k, v := range tt.optional {
			if theirs.Annotations == nil {
				theirs.Annotations = map[string]any{}
			}
			theirs.Annotations[k] = v
		}
		written, err := json.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		ours := &Payload{Reference: tt.reference, Digest: sum, Optional: tt.optional}
		got, err := ours.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(tt.optional) == 0 && !bytes.Equal(got, written) {
			t.Errorf("%s is\n%s here, and there\n%s", tt.reference, got, written)
		}
		parsed, err := Parse(written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ours, parsed, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("theirs is read as %s", diff)
		}
		var back payload.Cosign
		if err := json.Unmarshal(got, &back); err != nil || back.Image.DigestStr() != sum || back.Image.Context().Name() != tt.reference {
			t.Errorf("ours is read as %v, %v", back, err)
		}
		for k, v := range tt.optional {
			if back.Annotations[k] != v {
				t.Errorf("%s is read as %q", k, back.Annotations[k])
			}
		}
	}
}
