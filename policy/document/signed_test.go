package document_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// publish stores a document under a tag, signed.
func publish(t testing.TB, repo *registry.Repository, doc *document.Document, tag string, by ...*person) verify.Descriptor {
	t.Helper()
	ctx := context.Background()
	var manifest verify.Descriptor
	for _, c := range doc.Artifact() {
		if err := repo.Push(ctx, c, bytes.NewReader(c.Data)); err != nil {
			t.Fatal(err)
		}
		manifest = c
	}
	manifest.Data = nil
	if err := repo.Tag(ctx, manifest, tag); err != nil {
		t.Fatal(err)
	}
	for _, p := range by {
		if _, err := repo.Attach(ctx, manifest, p.signDocument(t, doc)); err != nil {
			t.Fatal(err)
		}
	}
	return manifest
}

func (p *person) signDocument(t testing.TB, doc *document.Document) verify.Descriptor {
	t.Helper()
	a := doc.Artifact()
	manifest := a[len(a)-1]
	manifest.Data = nil
	d, err := (&sign.BundleSigner{Key: p.key}).Sign(context.Background(), sign.About(manifest, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (p *person) verifier(t testing.TB) verify.Verifier {
	t.Helper()
	key, err := verify.ParseTrustedKey([]byte(p.pem))
	if err != nil {
		t.Fatal(err)
	}
	return &verify.KeyVerifier{Keys: []verify.TrustedKey{key}}
}

const version = "version: 1\nname: %s\nserial: %d\nexpires: 2027-01-01\nimages: [{match: [\"**\"], deny: %q}]\n"

// layout is a registry in a directory, asked as policy/gate.Open asks one.
func layout(t testing.TB) (*registry.Repository, func(context.Context, string) (*policy.Image, error)) {
	t.Helper()
	repo, err := registry.OpenLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return repo, func(ctx context.Context, ref string) (*policy.Image, error) {
		d, err := repo.Resolve(ctx, ref)
		return &policy.Image{Subject: d, Source: repo}, err
	}
}

// Only what those who must signed is given out, and never an older one than was seen, in this process or another.
func TestSigned(t *testing.T) {
	ctx := context.Background()
	alice, mallory := newPerson(t), newPerson(t)
	repo, open := layout(t)
	dir := filepath.Join(t.TempDir(), "serials")
	signed := func() *document.Signed {
		return &document.Signed{Name: "shop", Open: open, Verifiers: []verify.Verifier{alice.verifier(t)},
			Policy: policy.Require{Kind: verify.ImageSignature}, Serials: document.Directory(dir), Now: func() time.Time { return now }}
	}
	doc := func(name string, serial int, why string) *document.Document {
		return parse(t, fmt.Sprintf(version, name, serial, why))
	}
	one, two := doc("shop", 1, "one"), doc("shop", 2, "two")
	publish(t, repo, one, "one", alice)
	twoAt := publish(t, repo, two, "two", alice)
	publish(t, repo, doc("shop", 2, "another"), "another", alice)
	publish(t, repo, doc("shop", 3, "three"), "unsigned")
	publish(t, repo, doc("shop", 4, "four"), "mallory", mallory)
	publish(t, repo, doc("staging", 9, "lax"), "staging", alice)
	publish(t, repo, doc("shop", 0, "none"), "none", alice)

	s := signed()
	for _, tt := range []struct {
		ref  string
		want error
	}{
		{"one", nil}, {"one", nil}, {"two", nil}, {"two", nil}, {"one", document.ErrRollback}, {"another", document.ErrRollback},
		{"unsigned", document.ErrUnsigned},
		{"mallory", document.ErrUnsigned}, {"staging", document.ErrUnsigned}, {"none", document.ErrRollback}, {string(twoAt.Digest), nil},
	} {
		got, err := s.Load(ctx, tt.ref)
		if tt.want == nil && (err != nil || got == nil) || tt.want != nil && (!errors.Is(err, tt.want) || got != nil) {
			t.Errorf("%s: %v, want %v", tt.ref, err, tt.want)
		}
	}
	if _, err := s.Load(ctx, "mallory"); !errors.Is(err, policy.ErrDenied) || !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("by a stranger: %v", err)
	}
	if _, err := signed().Load(ctx, "one"); !errors.Is(err, document.ErrRollback) { // after a restart
		t.Errorf("after a restart: %v", err)
	}
	if _, err := signed().Read(ctx, []byte(fmt.Sprintf(version, "shop", 1, "one")), alice.signDocument(t, one)); !errors.Is(err,
		document.ErrRollback) {
		t.Errorf("from bytes: %v", err)
	}
	if got, err := signed().Read(ctx, []byte("# by hand\n"+fmt.Sprintf(version, "shop", 2, "two")), alice.signDocument(t, two)); err !=
		nil || got.Digest() != two.Digest() {
		t.Errorf("from bytes: %v", err)
	}
	if _, err := signed().Read(ctx, []byte(fmt.Sprintf(version, "shop", 2, "changed")), alice.signDocument(t, two)); !errors.Is(err,
		document.ErrUnsigned) {
		t.Errorf("from other bytes: %v", err)
	}
	late := signed()
	late.Now = func() time.Time { return now.AddDate(1, 0, 0) }
	if _, err := late.Load(ctx, "two"); !errors.Is(err, document.ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 1 {
		t.Fatalf("%v", files)
	}
	if err := os.WriteFile(files[0], []byte(`{"serial":0}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signed().Load(ctx, "two"); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a damaged store: %v", err)
	}
}

// A version never takes the place of a newer one, whoever writes later.
func TestDirectory(t *testing.T) {
	ctx := context.Background()
	d := document.Directory(filepath.Join(t.TempDir(), "new", "dir"))
	if v, err := d.Newest(ctx, "a"); err != nil || v != (document.Version{}) {
		t.Fatal(v, err)
	}
	for _, serial := range []int{3, 12, 7, 11} {
		for _, name := range []string{"a", "a/b", "../c", "A"} {
			if err := d.Remember(ctx, name, document.Version{Serial: serial, Digest: fmt.Sprint("sha256:", serial, name)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"a", "a/b", "../c", "A"} {
		if v, err := d.Newest(ctx, name); err != nil || v.Serial != 12 || v.Digest != "sha256:12"+name {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

// A Signed that names nobody gives nothing out, and neither does one for a warning.
func TestSignedByNobody(t *testing.T) {
	ctx := context.Background()
	alice := newPerson(t)
	repo, open := layout(t)
	publish(t, repo, parse(t, fmt.Sprintf(version, "shop", 1, "one")), "one", alice)
	publish(t, repo, parse(t, fmt.Sprintf(version, "shop", 1, "one")), "bare")
	rule := policy.Require{Kind: verify.ImageSignature}
	vs := []verify.Verifier{alice.verifier(t)}
	for name, s := range map[string]*document.Signed{
		"no policy":    {Name: "shop", Open: open, Verifiers: vs},
		"no verifiers": {Name: "shop", Open: open, Policy: rule},
		"no name":      {Open: open, Verifiers: vs, Policy: rule},
		"a warning": {Name: "shop", Open: open, Verifiers: vs, Policy: policy.Soft(policy.Warn, policy.Warn,
			policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://x.example/y"}})},
	} {
		if doc, err := s.Load(ctx, "one"); !errors.Is(err, document.ErrUnsigned) || doc != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is in the registry may be anything.
func TestSignedArtifact(t *testing.T) {
	ctx := context.Background()
	alice := newPerson(t)
	repo, open := layout(t)
	s := &document.Signed{Name: "shop", Open: open, Verifiers: []verify.Verifier{alice.verifier(t)},
		Policy: policy.Require{Kind: verify.ImageSignature}}
	good := parse(t, fmt.Sprintf(version, "shop", 1, "one")).Artifact()
	for name, change := range map[string]string{
		"another type":  strings.Replace(string(good[2].Data), document.ArtifactType, "application/vnd.example", 1),
		"no layer":      strings.Replace(string(good[2].Data), `"layers":[`, `"layers":[],"x":[`, 1),
		"another layer": strings.Replace(string(good[2].Data), document.MediaTypeJSON, "application/zip", 1),
		"a large layer": strings.Replace(string(good[2].Data), fmt.Sprintf(`"size":%d`, good[1].Size), `"size":99999999`, 1),
		"twice":         strings.Replace(string(good[2].Data), `"layers"`, `"artifactType":"x","layers"`, 1),
	} {
		for _, c := range good[:2] {
			if err := repo.Push(ctx, c, bytes.NewReader(c.Data)); err != nil {
				t.Fatal(err)
			}
		}
		if change == string(good[2].Data) {
			t.Fatalf("%s: nothing was changed", name)
		}
		m := verify.Descriptor{MediaType: good[2].MediaType, Size: int64(len(change))}
		m.Digest = good[2].Digest.Algorithm().FromString(change)
		if err := repo.Push(ctx, m, strings.NewReader(change)); err != nil {
			t.Logf("%s: the registry refuses it: %v", name, err)
			continue
		}
		evidence, err := (&sign.BundleSigner{Key: alice.key}).Sign(ctx, sign.About(m, sign.ImageSignature{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Attach(ctx, m, evidence); err != nil {
			t.Fatal(err)
		}
		if doc, err := s.Load(ctx, string(m.Digest)); !errors.Is(err, document.ErrDocument) || doc != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
