package rules

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
	"github.com/ladingdev/lading/verify"
)

// sbomTypes are the predicate types that SBOMs are attested under: those of cosign, syft, BuildKit and Lading, those of in-toto
// (in-toto/attestation, spec/predicates), and with a version, as actions/attest-sbom writes them.
var sbomTypes = []string{
	"https://cyclonedx.org/bom", "https://spdx.dev/Document",
	"https://spdx.dev/Document/v2.2", "https://spdx.dev/Document/v2.3", "https://spdx.dev/Document/v3", "https://spdx.dev/Document/v3.0",
	"https://spdx.dev/Document/v3.0.1",
	"https://cyclonedx.org/bom/v1.2", "https://cyclonedx.org/bom/v1.3", "https://cyclonedx.org/bom/v1.4", "https://cyclonedx.org/bom/v1.5",
	"https://cyclonedx.org/bom/v1.6", "https://cyclonedx.org/bom/v1.7",
}

// SBOM asks that the image has an SBOM: about this image, not empty, and, if Profile says so, with what the profile asks for.
//
// It judges the types https://cyclonedx.org/bom and https://spdx.dev/Document, also with a version behind them. A CycloneDX
// document of vulnerabilities without components is no SBOM, and as if it was not there. The quantifier is Every unless Evidence
// says another: an empty SBOM beside a good one denies.
//
// The zero SBOM asks for one component by any trusted signer.
type SBOM struct {
	Name string // what people call the rule
	Evidence
	// Components is how many components it has at least, without the image itself, its operating system and files; zero means 1.
	Components int
	// Profile names a profile of package sbom/quality that the SBOM conforms to, such as "ntia-2021"; empty means none. Its
	// rules that ask for a signature are met by the attestation's.
	Profile string
	// MaxDocumentAge is the age by the document's own word, the signer's; zero means any. Signers must be named.
	MaxDocumentAge time.Duration
	// AnyDigest lets the document name another image than the one that is judged, as scanners do that read the index and are
	// asked about one of its images. The statement is about the image in any case.
	AnyDigest bool

	prepared
}

// Decide implements [policy.Policy].
func (r *SBOM) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return r.get(r.rule).decide(ctx, in)
}

// Validate returns an error if the rule can never be met.
func (r *SBOM) Validate() error { return r.get(r.rule).err }

// IgnoresRequest reports that it is the same whoever asks.
func (r *SBOM) IgnoresRequest() bool { return true }

// String says what is asked, in one line.
func (r *SBOM) String() string { return r.get(r.rule).text }

func (r *SBOM) valid() error {
	switch {
	case r.Components < 0 || r.MaxDocumentAge < 0:
		return errors.New("a negative number of components or age")
	case r.Profile != "" && quality.ProfileByName(r.Profile) == nil:
		return fmt.Errorf("profile %.40q: there are %s", r.Profile, strings.Join(profileNames(), ", "))
	case r.MaxDocumentAge > 0 && !r.named():
		return errors.New("the age of a document is its signer's word: name the signers who are believed")
	}
	return nil
}

func profileNames() (out []string) {
	for _, p := range quality.Profiles() {
		out = append(out, p.Name)
	}
	return out
}

func (r *SBOM) rule() *rule {
	what := fmt.Sprintf("an SBOM of this image with at least %s", count(max(1, r.Components), "component"))
	if r.Profile != "" {
		what += ", conforming to " + oneline.Of(r.Profile)
	}
	if r.MaxDocumentAge > 0 {
		what += fmt.Sprintf(", made less than %s ago", r.MaxDocumentAge)
	}
	return &rule{
		Evidence: r.Evidence, name: r.Name, what: what, noun: "SBOM", types: sbomTypes, usual: policy.Every, meant: isSBOM, check: r.check,
		err: r.valid(),
	}
}

func (r *SBOM) check(_ context.Context, in *policy.Input, a *verify.Attestation, _ *excuses) error {
	head, err := sbomHead(in, a)
	if err != nil {
		return err
	}
	if !r.AnyDigest {
		for _, named := range head.Subjects {
			if !slices.ContainsFunc(named, func(d string) bool { return isImage(in, d) }) {
				return fmt.Errorf("the SBOM says that it is about %s, and the image is %s", some(named), in.Report.Subject.Digest)
			}
		}
	}
	if least := max(1, r.Components); head.Components < least {
		return fmt.Errorf("the SBOM has %s, and %d or more are asked for", count(head.Components, "component"), least)
	}
	if err := r.age(in, head.Created); err != nil {
		return err
	}
	if r.Profile == "" {
		return nil
	}
	judged, err := profileOf(in, a, quality.ProfileByName(r.Profile))
	if err != nil || len(judged.Failing) == 0 {
		return err
	}
	var all []string
	for _, f := range judged.Failing {
		all = append(all, f.String())
	}
	return fmt.Errorf("the SBOM does not conform to %s: %s", r.Profile, some(all))
}

func (r *SBOM) age(in *policy.Input, created string) error {
	if r.MaxDocumentAge == 0 {
		return nil
	}
	at, err := time.Parse(time.RFC3339, created)
	if err != nil {
		return fmt.Errorf("the SBOM does not say when it was made, or not as RFC 3339: %.40q", created)
	}
	return within(in, "the SBOM says that it was made", at, r.MaxDocumentAge)
}

// clockSkew is how far a time may lie in the future before it does not count.
const clockSkew = 5 * time.Minute

// within says why a time is not within an age, or nothing.
func within(in *policy.Input, what string, at time.Time, age time.Duration) error {
	switch {
	case in.Before(at.Add(-clockSkew)):
		return fmt.Errorf("%s in the future, %s", what, stamp(at))
	case !in.Before(at.Add(age)):
		return fmt.Errorf("%s %s, and longer ago than %s", what, stamp(at), age)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// isImage reports whether a digest is that of the image, or of one of its platforms.
func isImage(in *policy.Input, digest string) bool {
	return string(in.Report.Subject.Digest) == digest ||
		slices.ContainsFunc(in.Children, func(c verify.Descriptor) bool { return string(c.Digest) == digest })
}

// An sbomFact is what an SBOM says of itself.
type sbomFact struct {
	Components      int        `json:"components"`                // without those that it is about, operating systems and files
	Vulnerabilities int        `json:"vulnerabilities,omitempty"` // where there are no components
	Created         string     `json:"created,omitempty"`
	Subjects        [][]string `json:"subjects,omitempty"` // of each thing that it is about, the digests of images that are named for it
}

func sbomHead(in *policy.Input, a *verify.Attestation) (sbomFact, error) {
	return policy.Fact(in, a, "lading/sbom/v1", func() (sbomFact, error) {
		doc, err := document(in, a)
		if err != nil {
			return sbomFact{}, err
		}
		f := sbomFact{Created: doc.Created(), Components: CountComponents(doc)}
		if f.Components == 0 { // else it is an SBOM in any case, and this would read all of it once more
			f.Vulnerabilities = doc.About().Vulnerabilities
		}
		f.Subjects = NamedImages(doc)
		return f, nil
	})
}

// NamedImages returns, for each thing that a document is about, the digests of images that the document names for it; nothing for
// what it names no image for. The rule [SBOM] denies a document that names other images than the one that is judged.
func NamedImages(doc *sbom.Document) (all [][]string) {
	for _, ref := range doc.Roots() {
		if named := digestsOf(doc, ref); len(named) > 0 {
			all = append(all, named)
		}
	}
	return all
}

// CountComponents counts as the rule [SBOM] does: without what the document is about, operating systems and files.
func CountComponents(doc *sbom.Document) (n int) {
	roots := doc.Roots()
	for ref, c := range doc.Components() {
		if isPart(c) && !slices.Contains(roots, ref) {
			n++
		}
	}
	return n
}

// isPart reports whether a component is software that rules are about, and not a file, or the name of the operating system.
func isPart(c *sbom.Component) bool {
	switch c.Kind {
	case "file", "FILE", "snippet", "operating-system", "OPERATING-SYSTEM", "operatingSystem":
		return false
	}
	return true
}

// digestsOf returns the digests of images that a document names for something: as its version, in its name, in a package URL of
// type oci or docker, and as Trivy's property.
func digestsOf(doc *sbom.Document, ref sbom.Ref) []string {
	var out []string
	add := func(text string) {
		if i := strings.LastIndexByte(text, '@'); i >= 0 {
			text = text[i+1:]
		}
		if isDigest(text) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	c, details := doc.Component(ref), doc.Details(ref)
	add(c.Version)
	add(c.Name)
	for _, text := range details.PURLs {
		if p, err := sbom.ParsePURL(text); err == nil && (p.Type == "oci" || p.Type == "docker") {
			add(p.Version)
		}
	}
	for _, p := range details.Properties {
		if p.Name == "aquasecurity:trivy:RepoDigest" {
			add(p.Value)
		}
	}
	return out
}

// isDigest tells a digest of an image's manifest, such as registries have.
func isDigest(text string) bool {
	hex, ok := strings.CutPrefix(text, "sha256:")
	size := 64
	if !ok {
		hex, ok = strings.CutPrefix(text, "sha512:")
		size = 128
	}
	return ok && len(hex) == size && strings.Trim(hex, "0123456789abcdef") == ""
}

// isSBOM tells SBOMs from CycloneDX documents of vulnerabilities alone: VEX, and reports of scanners.
func isSBOM(in *policy.Input, a *verify.Attestation) bool {
	head, err := sbomHead(in, a)
	return err != nil || head.Components > 0 || head.Vulnerabilities == 0
}

// document reads the SBOM of an attestation, once for all rules. Cosign puts what is not JSON into a text.
func document(in *policy.Input, a *verify.Attestation) (*sbom.Document, error) {
	return policy.Value(in, a, "lading/sbom/v1", func() (*sbom.Document, error) {
		data := []byte(a.Predicate)
		if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '"' {
			var text string
			if err := json.Unmarshal(data, &text); err != nil {
				return nil, unreadable("SBOM", err)
			}
			data = []byte(text)
		}
		doc, err := sbom.Parse(bytes.NewReader(data))
		if errors.Is(err, sbom.ErrLimit) {
			return nil, fmt.Errorf("%w: %w", policy.ErrIndeterminate, err)
		}
		if err != nil {
			return nil, unreadable("SBOM", err)
		}
		return doc, nil
	})
}

// A profileFact is what a profile asks for and an SBOM has not.
type profileFact struct {
	Failing []failingFact `json:"failing,omitempty"`
}

type failingFact struct {
	Title   string `json:"title"`
	Checked int    `json:"checked,omitempty"` // components; 0 for a rule on the document
	Failing int    `json:"failing,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func (f failingFact) String() string {
	s := f.Title
	if f.Checked > 0 {
		s += fmt.Sprintf(" (not of %d of %d components)", f.Failing, f.Checked)
	}
	return s + ": " + f.Reason
}

func profileOf(in *policy.Input, a *verify.Attestation, p *quality.Profile) (profileFact, error) {
	return policy.Fact(in, a, "lading/sbom.profile/"+p.Name+"/v1", func() (profileFact, error) {
		var f profileFact
		doc, err := document(in, a)
		if err != nil {
			return f, err
		}
		for _, x := range quality.Check(doc, p, &quality.Options{AuthorSignature: true}).Results {
			if x.Status == quality.Fail && x.Rule.Level != quality.Recommended {
				f.Failing = append(f.Failing, failingFact{x.Rule.Title, x.Checked, len(x.Failing), x.Reason})
			}
		}
		return f, nil
	})
}
