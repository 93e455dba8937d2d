package awssigner_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	awssign "github.com/ladingdev/lading/sign/awssigner"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/ladingdev/lading/verify/notary/awssigner"
)

var image = verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("image"), Size: 5}

// cloud is an AWS with one signing profile.
type cloud struct {
	*awstest.Server
	client           *signer.Client
	profile, version string
}

func start(t testing.TB) *cloud {
	s := awstest.Start(t, nil)
	c := &cloud{Server: s, client: signer.NewFromConfig(s.Config())}
	c.profile, c.version = s.CreateProfile(awstest.Profile{Name: "release"})
	return c
}

// verifier trusts the server's root in the place of AWS's.
func (c *cloud) verifier(profiles ...string) *notary.Verifier {
	v := awssigner.Verifier(c.client, profiles...)
	v.SigningAuthority, v.AWSRoots = append(v.SigningAuthority, c.Root()), []*x509.Certificate{c.Root()}
	return v
}

func (c *cloud) sign(t testing.TB, subject verify.Descriptor) verify.Descriptor {
	t.Helper()
	s, err := awssign.New(c.client, c.profile)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Sign(t.Context(), sign.About(subject, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// forge signs with the profile's certificate whatever edit makes of it.
func (c *cloud) forge(t testing.TB, edit func(*awstest.Envelope)) verify.Descriptor {
	t.Helper()
	payload := fmt.Sprintf(`{"targetArtifact":{"mediaType":%q,"digest":%q,"size":%d}}`, image.MediaType, image.Digest, image.Size)
	e, err := c.Envelope(c.profile, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	edit(e)
	data, err := e.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return verify.Descriptor{MediaType: "application/jose+json", Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
}

func TestVerifier(t *testing.T) {
	c := start(t)
	evidence := c.sign(t, image)
	for _, profile := range []string{c.profile, c.version} {
		a, err := c.verifier(profile).Verify(t.Context(), image, evidence)
		if err != nil {
			t.Fatal(err)
		}
		if a.Kind != verify.ImageSignature || a.Signers[0].Identity.Subject != c.profile ||
			a.Signers[0].TimeSource != verify.TimeAuthority {
			t.Errorf("%+v", a)
		}
		names := map[string]bool{}
		for _, check := range a.Checks {
			if check.Status != verify.Passed {
				t.Errorf("%+v", check)
			}
			names[check.Name] = true
		}
		for _, name := range []string{"signature", "trust store", "critical attributes", "identity", "subject", "expiry",
			"certificate validity", "revocation"} {
			if !names[name] {
				t.Errorf("no check %q", name)
			}
		}
	}
	// The profile says how long signatures last.
	v := c.verifier(c.profile)
	v.Now = func() time.Time { return time.Now().Add(20 * 365 * 24 * time.Hour) }
	if _, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrExpired) {
		t.Errorf("after the signature has expired: %v", err)
	}
	// The leaf lives for three days. The authority says when it signed, so its end changes nothing.
	v.Now = func() time.Time { return time.Now().Add(400 * 24 * time.Hour) }
	if _, err := v.Verify(t.Context(), image, evidence); err != nil {
		t.Errorf("after the leaf has expired: %v", err)
	}
}

// ECR's managed signing calls AWS Signer when an image is pushed: another caller, and the same signature.
func TestManagedSigningByECR(t *testing.T) {
	c := start(t)
	payload := fmt.Sprintf(`{"targetArtifact":{"digest":%q,"size":%d,"mediaType":%q}}`, image.Digest, image.Size, image.MediaType)
	e, err := c.Envelope(c.profile, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	data, err := e.Sign()
	if err != nil {
		t.Fatal(err)
	}
	evidence := verify.Descriptor{MediaType: "application/jose+json", Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
	if _, err := c.verifier(c.profile).Verify(t.Context(), image, evidence); err != nil {
		t.Error(err)
	}
}

func TestIdentities(t *testing.T) {
	c := start(t)
	evidence := c.sign(t, image)
	other, _ := c.CreateProfile(awstest.Profile{Name: "release2"})
	for name, profiles := range map[string][]string{
		"no profile":               nil,
		"another profile":          {other},
		"longer name":              {c.profile + "2"},
		"prefix of the name":       {strings.TrimSuffix(c.profile, "e")},
		"other case":               {strings.Replace(c.profile, "release", "Release", 1)},
		"another account":          {strings.Replace(c.profile, "111122223333", "111122223334", 1)},
		"another region":           {strings.Replace(c.profile, "us-east-1", "us-east-2", 1)},
		"another partition":        {strings.Replace(c.profile, "arn:aws:", "arn:aws-us-gov:", 1)},
		"another version":          {c.profile + "/abcdefghij"},
		"version with a tail":      {c.version + "/x"},
		"everybody":                {"*"},
		"wildcard":                 {"arn:aws:signer:us-east-1:111122223333:/signing-profiles/*"},
		"name of the leaf":         {"x509.subject: C=US, ST=WA, O=AWS"},
		"the job":                  {"arn:aws:signer:us-east-1:111122223333:/signing-jobs/1"},
		"one that cannot be":       {c.profile, "arn:aws:signer"},
		"a colon in the name":      {c.profile + ":x"},
		"letters of other scripts": {strings.Replace(c.profile, "release", "r\u0435lease", 1)},
	} {
		if a, err := c.verifier(profiles...).Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
}

// An authority signs what it likes into its signatures, the profile of another account for one. Only AWS is believed.
func TestProfilesOfAnotherAuthority(t *testing.T) {
	c := start(t)
	evidence := c.sign(t, image)
	v := c.verifier(c.profile)
	v.AWSRoots = nil // trusted to sign, and not AWS
	if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("below another authority: %v, %v", a, err)
	}
	v.AWSRoots = []*x509.Certificate{awstest.Start(t, nil).Root()}
	if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("below another root of that name: %v, %v", a, err)
	}
	// To be marked as AWS's trusts nobody, and takes from names that they count.
	v = &notary.Verifier{AWSRoots: []*x509.Certificate{c.Root()}, Identities: []string{c.profile}, AWS: awssigner.Revocation(c.client)}
	if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("in no store: %v, %v", a, err)
	}
	// Two roots with one name are two issuers.
	other := start(t)
	one, two := must(c.verifier(c.profile).Verify(t.Context(), image, evidence)),
		must(other.verifier(other.profile).Verify(t.Context(), image, other.sign(t, image)))
	a, b := one.Signers[0].Identity, two.Signers[0].Identity
	if a.Subject != b.Subject || a.Issuer != b.Issuer || a == b || a != notary.Identity(c.profile, c.Root()) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Signatures of this server do not chain to AWS's roots.
func TestRoots(t *testing.T) {
	c := start(t)
	evidence := c.sign(t, image)
	if a, err := awssigner.Verifier(c.client, c.profile).Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("below AWS's roots: %v, %v", a, err)
	}
	// As a certificate authority the root may vouch for names, and not for time.
	v := &notary.Verifier{CA: c.verifier().SigningAuthority, Identities: []string{c.profile}, AWS: awssigner.Revocation(c.client)}
	if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("in the store of CAs: %v, %v", a, err)
	}
}

func TestForgeries(t *testing.T) {
	c := start(t)
	if _, err := c.verifier(c.profile).Verify(t.Context(), image, c.forge(t, func(*awstest.Envelope) {})); err != nil {
		t.Fatalf("the forge does not make good envelopes: %v", err)
	}
	critical := func(e *awstest.Envelope, names ...string) {
		e.Set("crit", append([]string{"io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry",
			"io.cncf.notary.verificationPlugin", "com.amazonaws.signer.signingProfileVersion", "com.amazonaws.signer.signingJob"},
			names...))
	}
	for name, tt := range map[string]struct {
		edit func(*awstest.Envelope)
		want error
	}{
		"profile of another account": {func(e *awstest.Envelope) {
			e.Set("com.amazonaws.signer.signingProfileVersion", strings.Replace(c.version, "111122223333", "999999999999", 1))
		}, verify.ErrNotTrusted},
		"profile in other case": {func(e *awstest.Envelope) {
			e.Set("com.amazonaws.signer.signingProfileVersion", strings.Replace(c.version, "release", "RELEASE", 1))
		}, verify.ErrNotTrusted},
		"profile without version": {func(e *awstest.Envelope) { e.Set("com.amazonaws.signer.signingProfileVersion", c.profile) },
			verify.ErrMalformed},
		"profile is no text": {func(e *awstest.Envelope) { e.Set("com.amazonaws.signer.signingProfileVersion", 7) }, verify.ErrMalformed},
		"no profile": {func(e *awstest.Envelope) {
			e.Set("com.amazonaws.signer.signingProfileVersion", nil)
			e.Set("crit", []string{"io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry",
				"io.cncf.notary.verificationPlugin", "com.amazonaws.signer.signingJob"})
		}, verify.ErrMalformed},
		"profile not critical": {func(e *awstest.Envelope) {
			e.Set("crit", []string{"io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry",
				"io.cncf.notary.verificationPlugin", "com.amazonaws.signer.signingJob"})
		}, verify.ErrMalformed},
		"no job": {func(e *awstest.Envelope) {
			e.Set("com.amazonaws.signer.signingJob", nil)
			e.Set("crit", []string{"io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry",
				"io.cncf.notary.verificationPlugin", "com.amazonaws.signer.signingProfileVersion"})
		}, verify.ErrMalformed},
		"another plugin": {func(e *awstest.Envelope) { e.Set("io.cncf.notary.verificationPlugin", "com.example.plugin") },
			verify.ErrNotTrusted},
		"newer plugin": {func(e *awstest.Envelope) {
			e.Set("io.cncf.notary.verificationPluginMinVersion", "99.0.0")
			critical(e, "io.cncf.notary.verificationPluginMinVersion")
		}, verify.ErrNotTrusted},
		"unknown critical attribute": {func(e *awstest.Envelope) {
			e.Set("com.amazonaws.signer.future", "x")
			critical(e, "com.amazonaws.signer.future")
		}, verify.ErrNotTrusted},
		"attribute in other case": {func(e *awstest.Envelope) { e.Set("com.amazonaws.signer.signingprofileversion", c.version) },
			verify.ErrMalformed},
		"expired before it began": {func(e *awstest.Envelope) {
			e.Set("io.cncf.notary.expiry", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
		}, verify.ErrMalformed},
		"signed in the future": {func(e *awstest.Envelope) {
			e.Set("io.cncf.notary.authenticSigningTime", time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
		}, verify.ErrNotYet},
		"signed before the leaf was": {func(e *awstest.Envelope) {
			e.Set("io.cncf.notary.authenticSigningTime", time.Now().Add(-30*24*time.Hour).UTC().Format(time.RFC3339))
		}, verify.ErrNotYet},
		"another subject": {func(e *awstest.Envelope) {
			e.Payload = []byte(strings.Replace(string(e.Payload), "image.manifest", "image.index", 1))
		}, verify.ErrSubject},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.verifier(c.profile).Verify(t.Context(), image, c.forge(t, tt.edit))
			if a != nil || !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v; want %v", a, err, tt.want)
			}
		})
	}
}

func TestRevocation(t *testing.T) {
	for name, revoke := range map[string]func(c *cloud, job string, chain []string){
		"job":             func(c *cloud, job string, _ []string) { c.Revoke(job, time.Time{}) },
		"profile version": func(c *cloud, _ string, _ []string) { c.Revoke(c.version, time.Time{}) },
		"leaf":            func(c *cloud, _ string, chain []string) { c.Revoke(chain[0], time.Time{}) },
		"intermediate":    func(c *cloud, _ string, chain []string) { c.Revoke(chain[2], time.Time{}) },
		"root":            func(c *cloud, _ string, chain []string) { c.Revoke(chain[3], time.Time{}) },
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			var job string
			var chain []string
			evidence := c.forge(t, func(e *awstest.Envelope) {
				chain = awstest.CertificateHashes(e.Chain)
				for _, m := range e.Protected {
					if m.Name == "com.amazonaws.signer.signingJob" {
						job = m.Value.(string)
					}
				}
			})
			revoke(c, job, chain)
			v := c.verifier(c.profile)
			for _, mode := range []notary.Revocation{notary.RevocationRequired, notary.RevocationSoft} {
				v.Revocation = mode
				if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrRevoked) {
					t.Errorf("mode %d: %v, %v", mode, a, err)
				}
			}
			v.Revocation = notary.RevocationOffUnsafe
			if _, err := v.Verify(t.Context(), image, evidence); err != nil {
				t.Errorf("turned off: %v", err)
			}
		})
	}
}

// Not to know is not to be trusted, unless the caller says that it is; and the reason can be told.
func TestRevocationNotKnown(t *testing.T) {
	for name, tt := range map[string]struct {
		fault awstest.Fault
		want  error
	}{
		"throttled":   {awstest.TooManyRequests, awssigner.ErrThrottled},
		"denied":      {awstest.Denied, awssigner.ErrDenied},
		"unreachable": {awstest.Unavailable, verify.ErrUnchecked},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			evidence := c.sign(t, image)
			c.Fail("signer:GetRevocationStatus", tt.fault)
			v := c.verifier(c.profile)
			if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, tt.want) {
				t.Errorf("%v, %v", a, err)
			}
			v.Revocation = notary.RevocationSoft
			a, err := v.Verify(t.Context(), image, evidence)
			if err != nil {
				t.Fatal(err)
			}
			if last := a.Checks[len(a.Checks)-1]; last.Name != "revocation" || last.Status != verify.NotChecked || last.Reason == "" {
				t.Errorf("%+v", last)
			}
			// It is asked again once AWS is there.
			c.Heal()
			v.Revocation = notary.RevocationRequired
			if _, err := v.Verify(t.Context(), image, evidence); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("no client", func(t *testing.T) {
		c := start(t)
		evidence := c.sign(t, image)
		for _, ask := range []notary.AWSRevocation{nil, awssigner.Revocation(nil)} {
			v := c.verifier(c.profile)
			v.AWS = ask
			if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrUnchecked) {
				t.Errorf("%v, %v", a, err)
			}
		}
	})
}

// One call for each signature, whatever how often it is verified.
func TestCalls(t *testing.T) {
	c := start(t)
	one, two := c.sign(t, image), c.sign(t, image)
	c.ResetCalls()
	v := c.verifier(c.profile)
	for range 5 {
		for _, evidence := range []verify.Descriptor{one, two} {
			if _, err := v.Verify(t.Context(), image, evidence); err != nil {
				t.Fatal(err)
			}
		}
	}
	if calls := c.Calls(); calls["signer:GetRevocationStatus"] != 2 || len(calls) != 1 {
		t.Errorf("%v, want one call of GetRevocationStatus for each of two signatures", calls)
	}
	// Nor when it is verified many times at once.
	c.ResetCalls()
	fresh := c.verifier(c.profile)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := fresh.Verify(t.Context(), image, one); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := c.Calls()["signer:GetRevocationStatus"]; n != 1 {
		t.Errorf("%d calls at once, want 1", n)
	}
	// What was found out is good for a while, and no longer.
	later := time.Now().Add(11 * time.Minute)
	v.Now = func() time.Time { return later }
	if _, err := v.Verify(t.Context(), image, one); err != nil {
		t.Fatal(err)
	}
	if n := c.Calls()["signer:GetRevocationStatus"]; n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// An SBOM under AWS Signer: attached to the image, signed as an artifact, and found as a statement about the image.
func TestSBOMUnderAWSSigner(t *testing.T) {
	c := start(t)
	ctx := t.Context()
	server := registrytest.Start(nil)
	defer server.Close()
	repo, err := registry.Open(server.Host()+"/demo/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	document := []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}`)
	bom := verify.Descriptor{MediaType: "application/vnd.cyclonedx+json", Digest: digest.FromBytes(document), Size: int64(len(document)),
		Data: document}
	artifacts, err := repo.Attach(ctx, image, bom)
	if err != nil {
		t.Fatal(err)
	}
	if r := verify.Collect(ctx, image, repo, c.verifier(c.profile)); len(r.Attestations) != 0 {
		t.Errorf("before it was signed: %+v", r)
	}
	if _, err := repo.Attach(ctx, artifacts[0], c.sign(t, artifacts[0])); err != nil {
		t.Fatal(err)
	}
	r := verify.Collect(ctx, image, repo, c.verifier(c.profile))
	if len(r.Attestations) != 1 || len(r.Rejected)+len(r.Incomplete) != 0 {
		t.Fatalf("%+v", r)
	}
	a := r.Attestations[0]
	if a.Kind != verify.Statement || a.PredicateType != "https://cyclonedx.org/bom" || string(a.Predicate) != string(document) ||
		a.Subject.Digest != image.Digest || a.Signers[0].Identity.Subject != c.profile {
		t.Errorf("%+v", a)
	}
	// The signature on the artifact is no signature on the image, and another image's SBOM is not this one's.
	other := verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("other"), Size: 5}
	for d, err := range repo.Evidence(ctx, image) {
		if err != nil {
			t.Fatal(err)
		}
		if a, err := c.verifier(c.profile).Verify(ctx, other, d); !errors.Is(err, verify.ErrSubject) {
			t.Errorf("about another image: %v, %v", a, err)
		}
	}
}

// A signed artifact may come from anywhere, so everything in it is checked again.
func TestComposite(t *testing.T) {
	c := start(t)
	put := func(mediaType string, data []byte) verify.Descriptor {
		return verify.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
	}
	bare := func(d verify.Descriptor) verify.Descriptor { d.Data = nil; return d }
	marshal := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	manifest := func(kind string, subject verify.Descriptor, layers ...verify.Descriptor) verify.Descriptor {
		m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: kind, Config: ocispec.DescriptorEmptyJSON,
			Subject: &subject}
		m.SchemaVersion = 2
		for _, l := range layers {
			m.Layers = append(m.Layers, bare(l))
		}
		return put(ocispec.MediaTypeImageManifest, marshal(m))
	}
	index := func(entries ...verify.Descriptor) verify.Descriptor {
		i := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: entries}
		i.SchemaVersion = 2
		return put(ocispec.MediaTypeImageIndex, marshal(i))
	}
	const cyclonedx = "application/vnd.cyclonedx+json"
	bom := put(cyclonedx, []byte(`{"bomFormat":"CycloneDX"}`))
	artifact := manifest(cyclonedx, image, bom)
	envelope := c.sign(t, bare(artifact))
	envelope.Annotations, envelope.ArtifactType = nil, ""
	signature := manifest("application/vnd.cncf.notary.signature", bare(artifact), envelope)
	// whole makes a signed artifact of any document, really signed.
	whole := func(kind string, doc verify.Descriptor) verify.Descriptor {
		a := manifest(kind, image, doc)
		e := c.sign(t, bare(a))
		e.Annotations, e.ArtifactType = nil, ""
		return index(a, doc, manifest("application/vnd.cncf.notary.signature", bare(a), e), e)
	}
	statement := func(d digest.Digest) verify.Descriptor {
		return put("application/vnd.in-toto+json", fmt.Appendf(nil,
			`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],`+
				`"predicateType":"https://slsa.dev/provenance/v1","predicate":{"a":1}}`, d.Encoded()))
	}
	v := c.verifier(c.profile)
	for name, tt := range map[string]struct {
		evidence verify.Descriptor
		want     string
	}{
		"SBOM":             {index(artifact, bom, signature, envelope), "https://cyclonedx.org/bom"},
		"in another order": {index(artifact, envelope, signature, bom), "https://cyclonedx.org/bom"},
		"SPDX": {whole("application/spdx+json", put("application/spdx+json", []byte(`{"spdxVersion":"SPDX-2.3"}`))),
			"https://spdx.dev/Document"},
		"OpenVEX": {whole("application/vnd.openvex+json",
			put("application/vnd.openvex+json", []byte(`{"@context":"https://openvex.dev/ns/v0.2.0"}`))), "https://openvex.dev/ns"},
		"in-toto statement": {whole("application/vnd.in-toto+json", statement(image.Digest)), "https://slsa.dev/provenance/v1"},
		"one of two is good": {index(artifact, bom, manifest("", bare(artifact), put("application/jose+json", []byte(`{}`))),
			put("application/jose+json", []byte(`{}`)), signature, envelope), "https://cyclonedx.org/bom"},
	} {
		a, err := v.Verify(t.Context(), image, tt.evidence)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if a.Kind != verify.Statement || a.PredicateType != tt.want || len(a.Signers) != 1 {
			t.Errorf("%s: %+v", name, a)
		}
	}

	// spelled makes a signed artifact whose manifest has a member in another case, really signed.
	spelled := func(member string) verify.Descriptor {
		a := put(ocispec.MediaTypeImageManifest,
			[]byte(strings.Replace(string(artifact.Data), `"`+strings.ToLower(member)+`"`, `"`+member+`"`, 1)))
		if a.Digest == artifact.Digest {
			t.Fatalf("no %s", member)
		}
		e := c.sign(t, bare(a))
		e.Annotations, e.ArtifactType = nil, ""
		return index(a, bom, manifest("application/vnd.cncf.notary.signature", bare(a), e), e)
	}
	elsewhere := bare(artifact)
	elsewhere.Digest = digest.FromString("elsewhere")
	forged := bom
	forged.Data = []byte(`{"bomFormat":"forgedSBM"}`)
	other := manifest(cyclonedx, image, put(cyclonedx, []byte(`{"bomFormat":"CycloneDX","version":2}`)))
	stranger := manifest(cyclonedx, verify.Descriptor{MediaType: image.MediaType, Digest: digest.FromString("x"), Size: 5}, bom)
	strangerEnvelope := c.sign(t, bare(stranger))
	strangerEnvelope.Annotations, strangerEnvelope.ArtifactType = nil, ""
	two := manifest(cyclonedx, image, bom, statement(image.Digest))
	for name, tt := range map[string]struct {
		evidence verify.Descriptor
		want     error
	}{
		"subject in another case": {spelled("Subject"), verify.ErrMalformed},
		"layers in another case":  {spelled("Layers"), verify.ErrMalformed},
		"digest in another case":  {spelled("Digest"), verify.ErrMalformed},
		"type in another case":    {whole(cyclonedx, put(cyclonedx, []byte(`{"BomFormat":"CycloneDX"}`))), verify.ErrMalformed},
		"no signature":            {index(artifact, bom), verify.ErrMalformed},
		"empty":                   {index(), verify.ErrMalformed},
		"not JSON":                {put(ocispec.MediaTypeImageIndex, []byte(`{`)), verify.ErrMalformed},
		"forged document":         {index(artifact, forged, signature, envelope), verify.ErrTampered},
		"document is missing":     {index(artifact, signature, envelope), verify.ErrMalformed},
		"signature on another": {index(other, put(cyclonedx, []byte(`{"bomFormat":"CycloneDX","version":2}`)),
			manifest("", bare(other), envelope), envelope), verify.ErrSubject},
		"not about this image": {index(stranger, bom, manifest("", bare(stranger), strangerEnvelope), strangerEnvelope),
			verify.ErrSubject},
		"signature leads nowhere": {index(artifact, bom, manifest("", elsewhere, envelope), envelope), verify.ErrMalformed},
		"two documents":           {index(two, bom, statement(image.Digest), signature, envelope), verify.ErrMalformed},
		"type not known":          {whole("text/plain", put("text/plain", []byte(`{}`))), verify.ErrType},
		"types contradict":        {whole("application/spdx+json", bom), verify.ErrType},
		"SPDX 3": {whole("application/spdx+json",
			put("application/spdx+json", []byte(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}`))), verify.ErrType},
		"SPDX said to be another": {whole(cyclonedx, put(cyclonedx, []byte(`{"spdxVersion":"SPDX-2.3"}`))), verify.ErrType},
		"version is no text": {whole("application/spdx+json", put("application/spdx+json", []byte(`{"spdxVersion":2.3}`))),
			verify.ErrType},
		"null":                     {whole(cyclonedx, put(cyclonedx, []byte(`null`))), verify.ErrMalformed},
		"statement of another":     {whole("application/vnd.in-toto+json", statement(digest.FromString("x"))), verify.ErrSubject},
		"document is no object":    {whole(cyclonedx, put(cyclonedx, []byte(`[]`))), verify.ErrMalformed},
		"document with duplicates": {whole(cyclonedx, put(cyclonedx, []byte(`{"a":1,"a":2}`))), verify.ErrMalformed},
		"parts without end":        {index(append([]verify.Descriptor{artifact}, make([]verify.Descriptor, 1000)...)...), verify.ErrLimit},
	} {
		if a, err := v.Verify(t.Context(), image, tt.evidence); a != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, %v; want %v", name, a, err, tt.want)
		}
	}
	if a, err := c.verifier(strings.Replace(c.profile, "release", "other", 1)).Verify(t.Context(), image,
		index(artifact, bom, signature, envelope)); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("by another profile: %v, %v", a, err)
	}
}

func Example() {
	cloud, err := awstest.New(nil) // AWS, for this example
	if err != nil {
		panic(err)
	}
	defer cloud.Close()
	client := signer.NewFromConfig(cloud.Config())
	profile, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	s, err := awssign.New(client, profile)
	if err != nil {
		panic(err)
	}
	evidence, err := s.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		panic(err)
	}

	v := awssigner.Verifier(client, profile)
	v.AWSRoots = []*x509.Certificate{cloud.Root()} // for this example
	v.SigningAuthority = append(v.SigningAuthority, cloud.Root())
	a, err := v.Verify(context.Background(), image, evidence)
	fmt.Println(a.Kind, "by", a.Signers[0].Identity.Subject, err)
	// Output: image signature by arn:aws:signer:us-east-1:111122223333:/signing-profiles/release <nil>
}
