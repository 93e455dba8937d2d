package dsse

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The example of the specification's protocol.md.
func TestPAE(t *testing.T) {
	if got := string(PAE("http://example.com/HelloWorld", []byte("hello world"))); got != "DSSEv1 29 http://example.com/HelloWorld 11 "+
		"hello world" {
		t.Error(got)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, e := range []*Envelope{
		{PayloadType: "a", Payload: []byte{}, Signatures: []Signature{{Sig: []byte{0}}}},
		{PayloadType: "a\"\n<é>", Payload: []byte{0xff, 0xfe},
			Signatures: []Signature{{KeyID: "k\x00", Sig: []byte("x")}, {Sig: []byte{0xfb, 0xef}}}},
	} {
		got, err := Parse(e.Append(nil), 2)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got, cmpopts.IgnoreFields(Envelope{}, "Signed")); diff != "" {
			t.Error(diff)
		}
	}
}

// What the signatures are over ends with the payload, whatever the length of its type, and is what PAE returns.
func TestSigned(t *testing.T) {
	for _, n := range []int{1, 28, paeRoom - 15, paeRoom - 14, paeRoom - 13, paeRoom, 1000} {
		want := &Envelope{PayloadType: strings.Repeat("t", n), Payload: []byte("payload"), Signatures: []Signature{{Sig: []byte{1}}}}
		got, err := Parse(want.Append(nil), 1)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Signed, PAE(want.PayloadType, want.Payload)) || !bytes.Equal(got.Payload, want.Payload) {
			t.Errorf("a type of %d bytes: %q, %q", n, got.Signed, got.Payload)
		}
	}
}

// What is read is written as something that is read as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA==","keyid":"x"}]}`))
	f.Add([]byte(`{"payload":"-_8=","payloadType":"a","signatures":[{"sig":"-_8=","keyid":null}],"more":[1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		e, err := Parse(data, 3)
		if err != nil {
			return
		}
		if len(e.Signatures) > 3 || !bytes.Equal(before, data) || !bytes.Equal(e.Signed, PAE(e.PayloadType, e.Payload)) {
			t.Fatal("a limit does not hold, the input changed, or something else is signed")
		}
		again, err := Parse(e.Append(nil), 3)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
