package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/cyclonedx"
	"github.com/ladingdev/lading/sbom/quality"
	"github.com/ladingdev/lading/sbom/spdx"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

// tour is the whole way, then the attacks.
func tour(ctx context.Context, p *printer, out string) error {
	start := time.Now()
	p.title("Lading: a bill of lading for a container image")

	p.step("Image", "a small Go service, packed as an OCI image, in a registry of our own")
	var binary []byte
	var facts *provenance.Provenance
	building := time.Now()
	err := p.wait("compile", "the service; the first time takes a minute or two, then a second", func(progress func(string)) (err error) {
		binary, facts, err = buildService(ctx, progress)
		return err
	})
	if err != nil {
		return err
	}
	built := time.Since(building)
	var broken atomic.Bool // the last attack switches the registry off
	server := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if broken.Load() {
				http.Error(w, "the registry is out of order", http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	defer server.Close()
	name := server.Host() + "/demo/app"
	repo, err := registry.Open(name, nil)
	if err != nil {
		return err
	}
	image, err := pushImage(ctx, repo, "v1", map[string][]byte{"service": binary})
	if err != nil {
		return err
	}
	p.line("program", "%s, %s for linux/amd64", servicePackage[strings.LastIndex(servicePackage, "examples"):], size(int64(len(binary))))
	p.line("pushed", "%s:v1", name)
	p.line("digest", "%s", image.Digest)

	b := &bill{p: p, repo: repo, image: image, facts: facts, keyName: "the tour's key"}
	if b.key, err = sign.GenerateKey(sign.P256); err != nil {
		return err
	}
	if err := b.describe(binary); err != nil {
		return err
	}
	gate, err := b.write(ctx)
	if err != nil {
		return err
	}
	if err := b.pass(ctx, gate, name+":v1"); err != nil {
		return err
	}

	p.step("Attacks", "seven ways of cheating that gate, each of which must be refused")
	a := &attacks{bill: b, gate: gate, name: name, broken: &broken}
	if err := a.run(ctx); err != nil {
		return err
	}
	if out != "" {
		if err := keep(ctx, p, repo, "v1", out); err != nil {
			return err
		}
	}
	took := time.Since(start)
	fmt.Fprintf(p.w, "\n%s in %.1f s\n", p.paint(bold, "Every outcome was as it should be"), took.Seconds())
	if built > 5*time.Second {
		p.put("", 0, fmt.Sprintf("Compiling took %.0f s of it. That is kept: the next run takes about %.0f s.", built.Seconds(),
			max(1, (took-built).Seconds()+1)))
	}
	return nil
}

// bill is one image on its way to a bill of lading.
type bill struct {
	p       *printer
	repo    *registry.Repository
	image   ocispec.Descriptor
	key     *sign.LocalKey
	keyName string // as people call it
	options *registry.Options

	document  *sbom.Document
	facts     *provenance.Provenance // nil for an image that was not built here
	signature ocispec.Descriptor     // the evidence: of the image itself,
	bom       ocispec.Descriptor
	built     ocispec.Descriptor
}

// write signs the image, its SBOM and, if it was built here, its provenance, and attaches all of it. It returns the gate
// that lets just such images pass.
func (b *bill) write(ctx context.Context) (*policy.Gate, error) {
	p := b.p
	what := "image and SBOM, each as a Sigstore bundle; not how it was built, which is not known here"
	if b.facts != nil {
		what = "image, SBOM and provenance, each as a Sigstore bundle"
	}
	p.step("Sign", what)
	signer := &sign.BundleSigner{Key: b.key}
	var err error
	var evidence []ocispec.Descriptor
	signOne := func(label string, predicate sign.Predicate) (ocispec.Descriptor, error) {
		d, err := signer.Sign(ctx, sign.About(b.image, predicate))
		if err != nil {
			return d, err
		}
		evidence = append(evidence, d)
		p.line(label, "%s (%s)", predicate.PredicateType(), size(d.Size))
		return d, nil
	}
	if b.signature, err = signOne("image", sign.ImageSignature{}); err != nil {
		return nil, err
	}
	if b.bom, err = signOne("sbom", b.document); err != nil {
		return nil, err
	}
	if b.facts != nil {
		if b.built, err = signOne("provenance", b.facts); err != nil {
			return nil, err
		}
	}
	pem, err := sign.MarshalPublicKey(b.key.Public())
	if err != nil {
		return nil, err
	}
	trusted, err := verify.ParseTrustedKey(pem)
	if err != nil {
		return nil, err
	}
	id, err := trusted.Identity()
	if err != nil {
		return nil, err
	}
	trusted.Name = b.keyName
	p.line("by", "%s, %s", b.keyName, id)

	p.step("Registry", "all of it attached in one call, as referrers of the image")
	if _, err := b.repo.Attach(ctx, b.image, evidence...); err != nil {
		return nil, err
	}
	tree, err := b.repo.Tree(ctx, b.image)
	if err != nil {
		return nil, err
	}
	p.tree(tree)
	return b.gate(trusted), nil
}

// describe makes the SBOM of the service.
func (b *bill) describe(binary []byte) error {
	b.p.step("SBOM", "what is in the image, from the build information in its Go binary")
	sum := sha256.Sum256(binary)
	doc, err := sbom.GoBinary(bytes.NewReader(binary), &sbom.GoBinaryOptions{
		Name:   "service",
		Hashes: []sbom.Hash{{Algorithm: "SHA-256", Value: hex.EncodeToString(sum[:])}},
	})
	if err != nil {
		return err
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return err
	}
	b.p.line("binary", "service, by %s", info.GoVersion)
	return b.take(doc)
}

// take shows what an SBOM has, in both specifications.
func (b *bill) take(doc *sbom.Document) error {
	b.document = doc
	purls := packages(doc)
	const shown = 4
	for _, purl := range purls[:min(shown, len(purls))] {
		b.p.line("", "%s", purl)
	}
	if more := len(purls) - shown; more > 0 {
		b.p.line("", "and %d more", more)
	}
	if _, err := sbom.Validate(doc.Bytes()); err != nil {
		return err
	}
	counts, err := readByOthers(doc)
	if err != nil {
		return err
	}
	for _, c := range counts {
		b.p.line(c.format, "%s, %d components (counted by %s)", size(c.bytes), c.components, c.library)
	}
	b.p.line("complete", "%s", elements(doc))
	return nil
}

// elements says which of NTIA's minimum elements a document has.
func elements(doc *sbom.Document) string {
	report := quality.Check(doc, quality.NTIA2021, nil)
	var missing []string
	for _, r := range report.Results {
		if r.Status == quality.Fail {
			missing = append(missing, r.Rule.Title)
		}
	}
	said := fmt.Sprintf("%d of NTIA's %d minimum elements", len(report.Results)-len(missing), len(report.Results))
	if missing != nil {
		said += "; missing: " + strings.Join(missing, ", ")
	}
	return said
}

// gate returns the gate that trusts one key and asks for the whole bill of lading.
func (b *bill) gate(trusted verify.TrustedKey) *policy.Gate {
	rules := []policy.Policy{
		policy.Require{Kind: verify.ImageSignature},
		policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}, Check: b.namesPackages},
	}
	if b.facts != nil {
		rules = append(rules, policy.Require{Kind: verify.Statement, PredicateTypes: []string{provenance.Type}, Check: saysBuilder})
	}
	return &policy.Gate{
		Open:      gate.Open(b.options),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}},
		Policy:    policy.All(rules...),
	}
}

// packages returns the package URLs that an SBOM names.
func packages(doc *sbom.Document) []string {
	var purls []string
	for _, c := range doc.Components() {
		if c.PURL != "" {
			purls = append(purls, c.PURL)
		}
	}
	slices.Sort(purls)
	return purls
}

// namesPackages accepts an SBOM that says what the image is made of: each package that is in it, and nothing else.
func (b *bill) namesPackages(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
	doc, err := sbom.Parse(bytes.NewReader(a.Predicate))
	if err != nil {
		return err
	}
	named, found := packages(doc), packages(b.document)
	if slices.Equal(named, found) {
		return nil
	}
	for _, purl := range named {
		if _, ok := slices.BinarySearch(found, purl); !ok {
			return fmt.Errorf("the SBOM names %s, which is not in the image", purl)
		}
	}
	return fmt.Errorf("the SBOM names %d packages, and the image has %d", len(named), len(found))
}

func saysBuilder(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
	facts, err := provenance.Parse(a.Predicate)
	if err != nil {
		return err
	}
	if facts.BuilderID != provenance.LocalBuilder {
		return fmt.Errorf("built by %s", facts.BuilderID)
	}
	return nil
}

// pass shows the gate's decision on the image with its bill of lading, and fails if it is not to allow it.
func (b *bill) pass(ctx context.Context, gate *policy.Gate, name string) error {
	what := "a signature and an SBOM that names what is in the image"
	if b.facts != nil {
		what = "a signature, an SBOM that names what is in the image, and provenance"
	}
	b.p.step("Gate", "asks for "+what+", each signed with "+b.keyName)
	d := gate.Check(ctx, name)
	b.p.decision(d)
	return d.Err()
}

// keep copies the image and all that hangs on it into a directory.
func keep(ctx context.Context, p *printer, repo *registry.Repository, reference, dir string) error {
	layout, err := registry.OpenLayout(dir)
	if err != nil {
		return err
	}
	image, err := registry.Copy(ctx, layout, repo, reference, nil)
	if err != nil {
		return err
	}
	p.step("Layout", "image and evidence, kept in an OCI layout directory")
	p.line("in", "%s", dir)
	if digest.Digest(reference).Validate() != nil {
		p.line("look", "oras discover --oci-layout %s:%s", dir, reference)
	} else {
		p.line("look", "oras discover --oci-layout %s@%s", dir, image.Digest)
	}
	return nil
}

// A reading is what another library finds in a document of ours.
type reading struct {
	format, library string
	bytes           int64
	components      int
}

// readByOthers gives the document to the library of each specification.
func readByOthers(doc *sbom.Document) ([]reading, error) {
	bom, _, err := cyclonedx.To(doc)
	if err != nil {
		return nil, err
	}
	converted, _, err := sbom.Convert(doc, sbom.Format{Spec: sbom.SPDX, Version: "2.3"}, nil)
	if err != nil {
		return nil, err
	}
	document, _, err := spdx.To(converted)
	if err != nil {
		return nil, err
	}
	components := 1 // what the document is about
	if bom.Components != nil {
		components += len(*bom.Components)
	}
	return []reading{
		{"CycloneDX", "cyclonedx-go", int64(len(doc.Bytes())), components},
		{"SPDX", "tools-golang", int64(len(converted.Bytes())), len(document.Packages)},
	}, nil
}
