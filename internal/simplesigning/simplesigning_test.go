package simplesigning

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The payload is the one that cosign writes, to the byte.
func TestAppend(t *testing.T) {
	p := &Payload{Reference: "127.0.0.1:6200/demo/legacy",
		Digest: "sha256:9aa09577c310fc360616e8ee16d4c197a84a28e52bf3cade781c7204df9f205d"}
	want := `{"critical":{"identity":{"docker-reference":"127.0.0.1:6200/demo/legacy"},"image":{"docker-manifest-digest":"sha256:` +
		`9aa09577c310fc360616e8ee16d4c197a84a28e52bf3cade781c7204df9f205d"},"type":"cosign container image signature"},"optional":null}`
	if got, err := p.Append(nil); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	p.Optional = map[string]string{"b": "2", "a": "\xff"}
	if _, err := p.Append(nil); err == nil {
		t.Error("text that is not UTF-8 is written")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"sha256:00"},"type":"cosign ` +
		`container image signature"},"optional":{"a":"b","n":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			return
		}
		out, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
