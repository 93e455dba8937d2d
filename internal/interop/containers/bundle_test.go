//go:build containers_image_openpgp

package containers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
	keyless "github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/signature"
)

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

var signing = sigstoretest.Signing{URI: "https://example.com/acme/app/release", Issuer: "https://issuer.example",
	At: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}

// keylessPolicy trusts who signs so, by the word of an instance.
func keylessPolicy(t *testing.T, instance *sigstoretest.Instance) *BundlePolicy {
	t.Helper()
	root := must(keyless.ParseRoot(instance.TrustedRoot(nil), nil))
	trust := []keyless.Entry{{Name: "release", URI: keyless.Exactly(signing.URI), Issuer: keyless.Exactly(signing.Issuer)}}
	return &BundlePolicy{Verifier: must(keyless.New(root, trust, nil))}
}

// attach signs an image as cosign v3 does, and stores the bundle as a referrer.
func (s *stage) attach(t *testing.T, instance *sigstoretest.Instance, image registry.Descriptor, g sigstoretest.Signing,
	predicateType string) {
	t.Helper()
	g.Payload = fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,`+
		`"predicate":{}}`,
		image.Digest.Encoded(), predicateType)
	data := instance.Sign(g)
	evidence := registry.Descriptor{MediaType: bundleType, ArtifactType: bundleType, Digest: digest.FromBytes(data),
		Size: int64(len(data)), Data: data}
	if _, err := must(registry.Open(s.host+"/acme/app", nil)).Attach(t.Context(), image, evidence); err != nil {
		t.Fatal(err)
	}
}

const imageSignature = "https://sigstore.dev/cosign/sign/v1"

// pull copies an image as engines do, with the policy that accepts anything.
func (s *stage) pull(t *testing.T, p *BundlePolicy, name string, what copy.ImageListSelection) error {
	t.Helper()
	anything := must(signature.NewPolicyContext(
		&signature.Policy{Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()}}))
	_, err := copy.Image(t.Context(), anything, must(layout.ParseReference(t.TempDir()+":v1")),
		p.Required(must(docker.ParseReference("//"+s.host+name))),
		&copy.Options{SourceCtx: s.sys, DestinationCtx: s.sys, ImageListSelection: what})
	return err
}

// An image is pulled, and may run, if who may signed it; and not otherwise.
func TestBundlePolicy(t *testing.T) {
	instance := sigstoretest.New(signing.At)
	for name, tt := range map[string]struct {
		edit      func(*sigstoretest.Signing)
		predicate string
		by        *sigstoretest.Instance
		want      error
	}{
		"signed, first log":   {},
		"signed, second log":  {edit: func(g *sigstoretest.Signing) { g.Tiles = true }},
		"by somebody else":    {edit: func(g *sigstoretest.Signing) { g.URI += "2" }, want: verify.ErrNotTrusted},
		"by another issuer":   {edit: func(g *sigstoretest.Signing) { g.Issuer += ".attacker" }, want: verify.ErrNotTrusted},
		"by another instance": {by: sigstoretest.New(signing.At), want: verify.ErrNotTrusted},
		"an attestation":      {predicate: "https://slsa.dev/provenance/v1", want: ErrNotSigned},
		"promise of another time": {edit: func(g *sigstoretest.Signing) {
			g.Promise = func(p *sigstoretest.Promise) { p.IntegratedTime++ }
		},
			want: verify.ErrTampered},
	} {
		t.Run(name, func(t *testing.T) {
			s, p, g := newStage(t), keylessPolicy(t, instance), signing
			if tt.edit != nil {
				tt.edit(&g)
			}
			if err := s.pull(t, p, "/acme/app:v1", copy.CopySystemImage); !errors.Is(err, ErrNotSigned) {
				t.Errorf("before it is signed: %v", err)
			}
			by, predicate := instance, imageSignature
			if tt.by != nil {
				by = tt.by
			}
			if tt.predicate != "" {
				predicate = tt.predicate
			}
			s.attach(t, by, s.image, g, predicate)
			err := s.pull(t, p, "/acme/app:v1", copy.CopySystemImage)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("pulled: %v, not %v", err, tt.want)
			}
			ref := must(docker.ParseReference("//" + s.host + "/acme/app:v1"))
			source := must(ref.NewImageSource(t.Context(), s.sys))
			defer source.Close()
			ok, err := p.IsRunningImageAllowed(t.Context(), s.sys, image.UnparsedInstance(source, nil))
			if !errors.Is(err, tt.want) || ok != (tt.want == nil) {
				t.Errorf("allowed: %v %v, not %v", ok, err, tt.want)
			}
		})
	}
}

// A signature of an index is one of what it lists; an index may be without if what is taken from it is signed.
func TestBundlePolicyOfIndexes(t *testing.T) {
	instance := sigstoretest.New(signing.At)
	for name, tt := range map[string]struct{ index, child, system, all bool }{
		"neither":   {},
		"the index": {index: true, system: true, all: true},
		"the image": {child: true, system: true, all: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := newStage(t), keylessPolicy(t, instance)
			index := must(json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
				Manifests: []ocispec.Descriptor{{MediaType: s.image.MediaType, Digest: s.image.Digest, Size: s.image.Size,
					Platform: &ocispec.Platform{OS: "linux", Architecture: "amd64"}}}}))
			d := digest.FromBytes(index)
			dir := t.TempDir()
			writeLayout(t, dir)
			top := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2},
				Manifests: []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageIndex, Digest: d,
					Size: int64(len(index)), Annotations: map[string]string{ocispec.AnnotationRefName: "all"}}}}
			for file, data := range map[string][]byte{"index.json": must(json.Marshal(top)), "blobs/sha256/" + d.Encoded(): index} {
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			list := must(registry.Copy(t.Context(), must(registry.Open(s.host+"/acme/app", nil)), must(registry.OpenLayout(dir)),
				"all", nil))
			if tt.index {
				s.attach(t, instance, list, signing, imageSignature)
			}
			if tt.child {
				s.attach(t, instance, s.image, signing, imageSignature)
			}
			s.sys.OSChoice, s.sys.ArchitectureChoice = "linux", "amd64"
			for what, want := range map[copy.ImageListSelection]bool{copy.CopySystemImage: tt.system, copy.CopyAllImages: tt.all} {
				if err := s.pull(t, p, "/acme/app:all", what); (err == nil) != want || err != nil && !errors.Is(err, ErrNotSigned) {
					t.Errorf("%v: %v", what, err)
				}
			}
		})
	}
}

// What the library compiles, and how much more with each way to read bundles. The adapter is at most 200 lines.
func TestBundleWeight(t *testing.T) {
	base := compiled(t, "go.podman.io/image/v5/copy", "go.podman.io/image/v5/docker", "go.podman.io/image/v5/signature")
	own := base.more(compiled(t, "github.com/ladingdev/lading/verify/sigstore"))
	registry := base.more(compiled(t, "github.com/ladingdev/lading/internal/interop/containers"))
	theirs := base.more(compiled(t, "github.com/sigstore/sigstore-go/pkg/verify", "github.com/sigstore/sigstore-go/pkg/root",
		"github.com/sigstore/sigstore-go/pkg/bundle"))
	t.Logf("go.podman.io/image compiles %v", base)
	t.Logf("verify/sigstore adds %v, with the registry's referrers and this adapter %v; sigstore-go adds %v", own, registry, theirs)
	adapter, err := os.ReadFile("bundle.go")
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Count(string(adapter), "\n")
	t.Logf("the adapter has %d lines", n)
	if n > 200 || own.lines*5 > theirs.lines || len(own.modules) > 3 {
		t.Errorf("adapter %d lines, verify/sigstore %v, sigstore-go %v", n, own, theirs)
	}
}

type weighed struct {
	lines    int
	packages map[string]int // lines
	modules  map[string]bool
	module   map[string]string // of packages
}

func (w weighed) String() string {
	return fmt.Sprintf("%d lines in %d modules", w.lines, len(w.modules))
}

func compiled(t *testing.T, packages ...string) weighed {
	t.Helper()
	args := append([]string{"list", "-tags", "containers_image_openpgp", "-deps", "-f",
		"{{if not .Standard}}{{.ImportPath}} {{.Module.Path}} {{.Dir}}{{range .GoFiles}} {{.}}{{end}}{{end}}"}, packages...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	w := weighed{packages: map[string]int{}, modules: map[string]bool{}, module: map[string]string{}}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		for _, file := range f[3:] {
			data, err := os.ReadFile(filepath.Join(f[2], file))
			if err != nil {
				t.Fatal(err)
			}
			w.packages[f[0]] += strings.Count(string(data), "\n")
		}
		w.lines += w.packages[f[0]]
		w.modules[f[1]], w.module[f[0]] = true, f[1]
	}
	return w
}

// more is what w2 compiles and w does not.
func (w weighed) more(w2 weighed) weighed {
	out := weighed{packages: map[string]int{}, modules: map[string]bool{}, module: w2.module}
	for p, n := range w2.packages {
		if _, there := w.packages[p]; !there {
			out.packages[p] = n
			out.lines += n
			if !w.modules[w2.module[p]] {
				out.modules[w2.module[p]] = true
			}
		}
	}
	return out
}
