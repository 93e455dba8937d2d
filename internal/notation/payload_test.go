package notation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/notation/writing"
	"github.com/opencontainers/go-digest"
)

var good = notation.Payload{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("a"), Size: 1,
	Annotations: map[string]string{"build": "<42>", "a": "ü\"\n"}}

func TestPayload(t *testing.T) {
	data, err := writing.AppendPayload(nil, &good)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + string(good.Digest) +
		`","size":1,"annotations":{"a":"ü\"\n","build":"<42>"}}}`
	if string(data) != want {
		t.Errorf("got %s", data)
	}
	got, err := notation.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&good, got); diff != "" {
		t.Error(diff)
	}
	typed := good
	typed.ArtifactType = "application/vnd.example"
	if data, err = writing.AppendPayload(nil, &typed); err != nil {
		t.Fatal(err)
	}
	if got, err = notation.Parse(data); err != nil || !got.Equal(&typed) || got.Equal(&good) {
		t.Errorf("%s: %+v, %v", data, got, err)
	}
}

func TestPayloadRefusals(t *testing.T) {
	for name, edit := range map[string]func(*notation.Payload){
		"no media type": func(p *notation.Payload) { p.MediaType = "" },
		"no size":       func(p *notation.Payload) { p.Size = 0 },
		"no digest":     func(p *notation.Payload) { p.Digest = "" },
		"wrong digest":  func(p *notation.Payload) { p.Digest = "sha256:ABC" },
		"reserved":      func(p *notation.Payload) { p.Annotations = map[string]string{"io.cncf.notary.x": "y"} },
		"no UTF-8":      func(p *notation.Payload) { p.Annotations = map[string]string{"x": "\xff"} },
	} {
		p := good
		edit(&p)
		if data, err := writing.AppendPayload(nil, &p); err == nil {
			t.Errorf("%s: %s", name, data)
		}
	}
	data, err := writing.AppendPayload(nil, &notation.Payload{MediaType: "m", Digest: good.Digest, Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"size":1`, `"size":1,"size":1`},
		{`"size":1`, `"Size":1`},
		{`"size":1`, `"size":1,"urls":[]`},
		{`"size":1`, `"size":1.0`},
		{`"size":1`, `"size":-1`},
		{`"size":1`, `"size":1,"annotations":{"a":1}`},
		{`{"targetArtifact"`, `{"extra":1,"targetArtifact"`},
		{`"m"`, `""`},
		{`}}`, `}}{}`},
		{`}}`, `}`},
	} {
		if p, err := notation.Parse([]byte(strings.Replace(string(data), c[0], c[1], 1))); err == nil {
			t.Errorf("%s: %+v", c[1], p)
		}
	}
}

func FuzzPayload(f *testing.F) {
	data, err := writing.AppendPayload(nil, &good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"targetArtifact":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := notation.Parse(data)
		if err != nil {
			return
		}
		again, err := writing.AppendPayload(nil, p)
		if err != nil {
			return // reserved annotations can be read, not written
		}
		q, err := notation.Parse(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if len(p.Annotations) == 0 { // an empty object is not written
			p.Annotations, q.Annotations = nil, nil
		}
		if diff := cmp.Diff(p, q); diff != "" {
			t.Error(diff)
		}
	})
}
