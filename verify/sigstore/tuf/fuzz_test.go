package tuf

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
)

// Nothing that a repository says makes a client panic, and the canonical form of what is read is JSON of the same meaning, and its own
// canonical form.
func FuzzMetadata(f *testing.F) {
	repo := Production()
	for i, data := range [][]byte{repo.Root, repo.embedded.Timestamp, repo.embedded.Snapshot, repo.embedded.Targets, Staging().Root} {
		f.Add(uint8(i%4), data)
	}
	for i, data := range []string{
		`{"signed":{"_type":"root"},"signatures":[]}`, `{"signed":{"a":"\"\\\n\u00e9\ud83d\ude00","b":[1,-2,true,null,{}]},` +
			`"signatures":null}`,
		`{"signed":{"_type":"timestamp","version":1e3},"signatures":[{"keyid":"a","sig":"zz"},{"keyid":"a","sig":""}]}`,
	} {
		f.Add(uint8(i), []byte(data))
	}
	trust, err := begin(repo.Root)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		m, err := parse(roleNames[int(n)%len(roleNames)], data)
		if err != nil {
			return
		}
		r := strictjson.NewReader(m.signed, strictjson.Limits{})
		if again := canonical(r, nil); !bytes.Equal(again, m.signed) && !bytes.ContainsAny(m.signed, "\n\t\r") {
			t.Errorf("%q is not its own canonical form: %q", m.signed, again)
		}
		if !json.Valid(m.signed) && !bytes.ContainsFunc(m.signed, func(c rune) bool { return c < ' ' }) { // which are not escaped
			t.Errorf("%q is not JSON", m.signed)
		}
		if m.verify(trust.newest()) == nil && m.role != rootRole && !bytes.Contains(data, []byte(`"sig"`)) {
			t.Error("signed by nobody")
		}
	})
}
