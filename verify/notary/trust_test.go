package notary_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func pemOf(t testing.TB, der []byte) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// policyDocument is a trust policy with one policy, as notation's documentation writes them.
func policyDocument(verification, stores, identities string) string {
	return fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"acme","registryScopes":["registry.example.com/acme/app"],
		"signatureVerification":%s,"trustStores":%s,"trustedIdentities":%s}]}`, verification, stores, identities)
}

func config(policy string, files map[string][]byte) fstest.MapFS {
	fsys := fstest.MapFS{"trustpolicy.json": {Data: []byte(policy)}}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	return fsys
}

// A user of notation brings policy and stores, and what was signed for them verifies.
func TestReadTrustPolicy(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	evidence := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain})
	root := chain[1].Raw
	for name, files := range map[string]map[string][]byte{
		"PEM":        {"truststore/x509/ca/acme/root.pem": pemOf(t, root)},
		"two in PEM": {"truststore/x509/ca/acme/root.crt": append(pemOf(t, newChain(t, newKey(), nil)[1].Raw), pemOf(t, root)...)},
		"text around": {"truststore/x509/ca/acme/root.pem": slices.Concat([]byte("Certificate:\n    Data:\n"), pemOf(t, root),
			[]byte("# the end\n"))},
		"DER": {"truststore/x509/ca/acme/root.cer": root},
		"two files": {"truststore/x509/ca/acme/a.pem": pemOf(t, newChain(t, newKey(), nil)[1].Raw),
			"truststore/x509/ca/acme/b.crt": root},
		"of others": {"truststore/x509/ca/acme/root.pem": pemOf(t, root), "truststore/x509/ca/other/broken.pem": []byte("broken")},
		"newer names": {"truststore/x509/ca/acme/root.pem": pemOf(t, root),
			"trustpolicy.oci.json": []byte(policyDocument(`{"level":"strict"}`, `["ca:acme"]`, `["*"]`))},
	} {
		p, err := notary.ReadTrustPolicy(
			config(policyDocument(`{"level":"strict"}`, `["ca:acme"]`, `["x509.subject: C=US, ST=WA, O=acme"]`), files))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := p.Verifier("registry.example.com/acme/app")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := v.Verify(t.Context(), image, evidence); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Verifier("registry.example.com/acme/app2"); !errors.Is(err, notary.ErrTrust) {
			t.Errorf("%s: a repository that no policy names: %v", name, err)
		}
	}
	// As a signing authority the same root does not count for the scheme that the signature has.
	p, err := notary.ReadTrustPolicy(config(policyDocument(`{"level":"strict"}`, `["signingAuthority:acme"]`, `["*"]`),
		map[string][]byte{"truststore/x509/signingAuthority/acme/root.pem": pemOf(t, root)}))
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.Verifier("registry.example.com/acme/app")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("%v, %v", a, err)
	}
}

// Whoever writes a name, in a pod or a task, chooses its spelling, and so must not choose the policy.
func TestTrustPolicySpellings(t *testing.T) {
	root := pemOf(t, newChain(t, newKey(), nil)[1].Raw)
	const policy = `{"name":%q,"registryScopes":%s,"signatureVerification":{"level":"strict","override":{"revocation":%q}},` +
		`"trustStores":["ca:acme"],"trustedIdentities":["*"]}`
	read := func(policies ...string) (*notary.TrustPolicy, error) {
		return notary.ReadTrustPolicy(config(`{"version":"1.0","trustPolicies":[`+strings.Join(policies, ",")+`]}`,
			map[string][]byte{"truststore/x509/ca/acme/root.pem": root}))
	}
	strict := fmt.Sprintf(policy, "strict", `["registry.example.com/acme/app","Reg.Example:443/a/b","docker.io/library/alpine",`+
		`"index.docker.io/acme/app","localhost:80/app"]`, "enforce")
	p, err := read(strict, fmt.Sprintf(policy, "lax", `["*"]`, "skip"))
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{
		"registry.example.com/acme/app", "REGISTRY.example.com/acme/app", "registry.example.com:443/acme/app",
		"registry.example.com:0443/acme/app",
		"reg.example/a/b", "REG.EXAMPLE:443/a/b", "docker.io/library/alpine", "docker.io/alpine", "index.docker.io/library/alpine",
		"registry-1.docker.io/library/alpine", "Registry-1.docker.io:443/alpine", "library/alpine", "acme/app", "docker.io/acme/app",
		"localhost/app", "LocalHost:80/app",
	} {
		if v, err := p.Verifier(repository); err != nil || v.Revocation != notary.RevocationRequired {
			t.Errorf("%s has not the strict policy: %+v, %v", repository, v, err)
		}
	}
	for _, repository := range []string{"registry.example.com:5000/acme/app", "registry.example.com/acme/apps", "localhost:443/app",
		"other.example:80/app"} {
		if v, err := p.Verifier(repository); err != nil || v.Revocation != notary.RevocationOffUnsafe {
			t.Errorf("%s has not the policy for *: %+v, %v", repository, v, err)
		}
	}
	// Systems read these as addresses that have another spelling, which a scope has.
	for _, repository := range []string{"127.1/acme/app", "127.0.0.01:5000/acme/app", "0x7f.1/acme/app",
		"registry.example.com:99999/acme/app"} {
		if v, err := p.Verifier(repository); !errors.Is(err, notary.ErrTrust) {
			t.Errorf("%s: %+v, %v", repository, v, err)
		}
		if _, err := read(fmt.Sprintf(policy, "one", `["`+repository+`"]`, "skip")); !errors.Is(err, notary.ErrTrust) {
			t.Errorf("%s as a scope: %v", repository, err)
		}
	}
	// Over plain HTTP this is the same repository, over TLS another: somebody has to say.
	if v, err := p.Verifier("registry.example.com:80/acme/app"); !errors.Is(err, notary.ErrTrust) {
		t.Errorf("port 80: %+v, %v", v, err)
	}
	for _, scopes := range [][2]string{
		{`["r.example/a"]`, `["R.example/a"]`}, {`["r.example/a"]`, `["r.example:443/a"]`},
		{`["docker.io/library/a"]`, `["registry-1.docker.io/a"]`},
	} {
		if _, err := read(fmt.Sprintf(policy, "one", scopes[0], "skip"), fmt.Sprintf(policy, "two", scopes[1], "skip")); !errors.Is(err,
			notary.ErrTrust) {
			t.Errorf("one repository in two policies, %s and %s: %v", scopes[0], scopes[1], err)
		}
	}
	if _, err := read(fmt.Sprintf(policy, "one", `["r.example/a","R.example:443/a"]`, "skip")); err != nil {
		t.Errorf("two spellings in one policy: %v", err)
	}
}

func TestBadTrustPolicies(t *testing.T) {
	good := policyDocument(`{"level":"strict"}`, `["ca:acme"]`, `["*"]`)
	chain := newChain(t, newKey(), nil)
	root := map[string][]byte{"truststore/x509/ca/acme/root.pem": pemOf(t, chain[1].Raw)}
	if _, err := notary.ReadTrustPolicy(config(good, root)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, policy := range map[string]string{
		"empty":               "",
		"not JSON":            "{",
		"other version":       replace(`"1.0"`, `"2.0"`),
		"no policies":         `{"version":"1.0","trustPolicies":[]}`,
		"duplicate member":    replace(`"level":"strict"`, `"level":"strict","level":"skip"`),
		"other case":          replace(`"level":"strict"`, `"level":"strict","Level":"skip"`),
		"unknown member":      replace(`"level":"strict"`, `"level":"strict","mode":"x"`),
		"unknown at the top":  replace(`"version"`, `"x":1,"version"`),
		"unknown in a policy": replace(`"name"`, `"x":1,"name"`),
		"unknown level":       replace(`"strict"`, `"lax"`),
		"no level":            replace(`{"level":"strict"}`, `{}`),
		"no name":             replace(`"acme"`, `""`),
		"same scope twice": replace(`"registry.example.com/acme/app"`,
			`"registry.example.com/acme/app","registry.example.com/acme/app"`),
		"all and one scope":     replace(`"registry.example.com/acme/app"`, `"registry.example.com/acme/app","*"`),
		"wildcard in a scope":   replace(`"registry.example.com/acme/app"`, `"registry.example.com/acme/*"`),
		"scope with scheme":     replace(`"registry.example.com/acme/app"`, `"https://registry.example.com/acme/app"`),
		"scope with tag":        replace(`"registry.example.com/acme/app"`, `"registry.example.com/acme/app:v1"`),
		"scope with digest":     replace(`"registry.example.com/acme/app"`, `"registry.example.com/acme/app@sha256:0"`),
		"scope of capitals":     replace(`"registry.example.com/acme/app"`, `"registry.example.com/Acme/app"`),
		"scope is a path":       replace(`"registry.example.com/acme/app"`, `"registry.example.com/acme/../app"`),
		"identities overlap":    replace(`["*"]`, `["x509.subject: C=US, ST=WA, O=acme","x509.subject: CN=x, O=acme, ST=WA, C=US"]`),
		"same identity twice":   replace(`["*"]`, `["x509.subject: C=US, ST=WA, O=acme","x509.subject: C=US, S=WA, O=acme"]`),
		"scope without host":    replace(`"registry.example.com/acme/app"`, `"app"`),
		"no scope":              replace(`["registry.example.com/acme/app"]`, `[]`),
		"unknown override":      replace(`"level":"strict"`, `"level":"strict","override":{"integrity":"skip"}`),
		"override with unknown": replace(`"level":"strict"`, `"level":"strict","override":{"expiry":"skip"}`),
		"verifyTimestamp":       replace(`"level":"strict"`, `"level":"strict","verifyTimestamp":"never"`),
		"skip with stores":      replace(`"strict"`, `"skip"`),
		"store of no type":      replace(`"ca:acme"`, `"acme"`),
		"store of unknown type": replace(`"ca:acme"`, `"root:acme"`),
		"store is a path":       replace(`"ca:acme"`, `"ca:../acme"`),
		"store is above":        replace(`"ca:acme"`, `"ca:.."`),
		"store is not there":    replace(`"ca:acme"`, `"ca:other"`),
		"no stores":             replace(`["ca:acme"]`, `[]`),
		"null stores":           replace(`["ca:acme"]`, `null`),
		"null identities":       replace(`["*"]`, `null`),
		"null scopes":           replace(`["registry.example.com/acme/app"]`, `null`),
		"null policies":         `{"version":"1.0","trustPolicies":null}`,
		"no identities":         replace(`["*"]`, `[]`),
		"all and one identity":  replace(`["*"]`, `["*","x509.subject: C=US, ST=WA, O=acme"]`),
		"broken identity":       replace(`["*"]`, `["x509.subject: O=acme"]`),
		"identity of no kind":   replace(`["*"]`, `["acme"]`),
		"same name twice": strings.Replace(good, `"trustPolicies":[`,
			`"trustPolicies":[{"name":"acme","registryScopes":["r.example/x"],"signatureVerification":{"level":"skip"}},`, 1),
	} {
		if p, err := notary.ReadTrustPolicy(config(policy, root)); p != nil || !errors.Is(err, notary.ErrTrust) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, store := range map[string][]byte{
		"empty file":     {},
		"no certificate": []byte("hello"),
		"a leaf":         pemOf(t, chain[0].Raw),
		"a time stamper": pemOf(t, must(tsatest.New(epoch, epoch.Add(time.Hour), nil)).Chain[0].Raw),
		"a key":          pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
		"half a block":   append([]byte("-----BEGIN CERTIFICATE-----\nMII\n"), pemOf(t, chain[1].Raw)...),
		"half behind":    append(pemOf(t, chain[1].Raw), "-----BEGIN CERTIFICATE-----"...),
		"a key behind":   append(pemOf(t, chain[1].Raw), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}})...),
		"DER, a tail":    append(slices.Clone(chain[1].Raw), 0),
		"too large":      append(pemOf(t, chain[1].Raw), make([]byte, 2<<20)...),
	} {
		if p, err := notary.ReadTrustPolicy(config(good, map[string][]byte{"truststore/x509/ca/acme/root.pem": store})); p != nil ||
			!errors.Is(err, notary.ErrTrust) {
			t.Errorf("store with %s: %v", name, err)
		}
	}
	if _, err := notary.ReadTrustPolicy(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no policy at all: %v", err)
	}
}

// A trust store is a directory of files: what a link leads to is not it.
func TestTrustStoreLinks(t *testing.T) {
	root := pemOf(t, newChain(t, newKey(), nil)[1].Raw)
	policy := []byte(policyDocument(`{"level":"strict"}`, `["ca:acme"]`, `["*"]`))
	for name, tt := range map[string]struct {
		link, to string // in the place of a file or directory
		good     bool
	}{
		"no link":            {good: true},
		"store":              {link: "truststore/x509/ca/acme", to: "../../../elsewhere"},
		"certificate":        {link: "truststore/x509/ca/acme/more.pem", to: "../../../../elsewhere/root.pem"},
		"certificate beside": {link: "truststore/x509/ca/acme/more.pem", to: "root.pem"},
		"policy":             {link: "trustpolicy.oci.json", to: "trustpolicy.json"},
	} {
		dir := t.TempDir()
		write := func(name string, data []byte) {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, data, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		write("trustpolicy.json", policy)
		write("elsewhere/root.pem", root)
		write("truststore/x509/ca/acme/root.pem", root)
		write("truststore/x509/ca/acme/sub/not-read.pem", []byte("not read"))
		if tt.link != "" {
			link := filepath.Join(dir, filepath.FromSlash(tt.link))
			if err := errors.Join(os.RemoveAll(link), os.Symlink(filepath.FromSlash(tt.to), link)); err != nil {
				t.Skip(err)
			}
		}
		p, err := notary.ReadTrustPolicy(os.DirFS(dir))
		if tt.good != (err == nil) || tt.good != (p != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A time stamping authority that is trusted is a root. Others would never be the end of a chain.
func TestTimestampStore(t *testing.T) {
	tsa, _ := newTSA(t, nil)
	chain := newChain(t, newKey(), nil)
	key := newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: epoch, NotAfter: epoch.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature}
	leaf := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	// Signed by its own key in another name.
	other := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "another"}, NotBefore: epoch,
		NotAfter: epoch.Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	template.Subject, template.IsCA, template.BasicConstraintsValid, template.KeyUsage = pkix.Name{CommonName: "root"}, true, true,
		x509.KeyUsageCertSign
	renamed := must(x509.CreateCertificate(rand.Reader, template, other, key.Public(), key))
	served := must(tsatest.NewIntermediate(epoch.Add(-time.Hour), epoch.Add(time.Hour)))
	files := func(chain ...*x509.Certificate) (out []byte) {
		for _, c := range chain {
			out = append(out, pemOf(t, c.Raw)...)
		}
		return out
	}
	for name, tt := range map[string]struct {
		file []byte
		good bool
	}{
		"root":                       {pemOf(t, tsa.Root().Raw), true},
		"signs itself, no authority": {pemOf(t, leaf), false},
		"another issuer's name":      {pemOf(t, renamed), false},
		"a chain as it is served":    {files(served.Chain...), true},
		"a chain without its root":   {files(served.Chain[:2]...), false},
		"an intermediate of others":  {files(served.Chain[1], tsa.Root()), false},
	} {
		_, err := notary.ReadTrustPolicy(config(policyDocument(`{"level":"strict"}`, `["ca:acme","tsa:acme"]`, `["*"]`), map[string][]byte{
			"truststore/x509/ca/acme/root.pem": pemOf(t, chain[1].Raw), "truststore/x509/tsa/acme/root.pem": tt.file}))
		if tt.good != (err == nil) || !tt.good && !errors.Is(err, notary.ErrTrust) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadTrustPolicy(f *testing.F) {
	root := pemOf(f, newChain(f, newKey(), nil)[1].Raw)
	f.Add(policyDocument(`{"level":"strict","override":{"revocation":"log"}}`, `["ca:acme"]`, `["x509.subject: C=US, ST=WA, O=acme"]`),
		root)
	f.Add(policyDocument(`{"level":"strict"}`, `["ca:acme"]`, `["arn:aws:signer:eu-west-1:111122223333:/signing-profiles/a_1/v"]`), root)
	f.Fuzz(func(t *testing.T, policy string, store []byte) {
		p, err := notary.ReadTrustPolicy(config(policy, map[string][]byte{"truststore/x509/ca/acme/root.pem": store}))
		if err != nil {
			return
		}
		if v, err := p.Verifier("registry.example.com/acme/app"); err == nil &&
			(len(v.Identities) == 0 || len(v.CA)+len(v.SigningAuthority) == 0) {
			t.Error("a verifier without stores or identities")
		}
	})
}

// signedArtifact is a document that is attached to the image and signed there, as package registry gives it.
func signedArtifact(t testing.TB, s *signnotary.Signer, document string) verify.Descriptor {
	t.Helper()
	content := func(mediaType string, data []byte) verify.Descriptor {
		return verify.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
	}
	manifest := func(subject, layer verify.Descriptor) verify.Descriptor {
		layer.Data, subject.Data = nil, nil
		m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
			Config: ocispec.DescriptorEmptyJSON, Layers: []verify.Descriptor{layer}, Subject: &subject}
		return content(m.MediaType, must(json.Marshal(m)))
	}
	layer := content("application/vnd.cyclonedx+json", []byte(document))
	artifact := manifest(image, layer)
	bare := artifact
	bare.Data = nil
	d, err := s.Sign(t.Context(), sign.About(bare, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	envelope := content(d.MediaType, d.Data)
	return content(ocispec.MediaTypeImageIndex, must(json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []verify.Descriptor{artifact, layer, manifest(bare, envelope), envelope}})))
}

// FuzzComposite never believes a document that is not the signed one.
func FuzzComposite(f *testing.F) {
	const document = `{"bomFormat":"CycloneDX"}`
	key := newKey()
	chain := newChain(f, key, nil)
	v := verifier(chain)
	for _, format := range []signnotary.Format{signnotary.JWS, signnotary.COSE} {
		seed := signedArtifact(f, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format}, document)
		a, err := v.Verify(f.Context(), image, seed)
		if err != nil || a.Kind != verify.Statement || string(a.Predicate) != document {
			f.Fatalf("the seed: %+v, %v", a, err)
		}
		f.Add(seed.Data)
	}
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := v.Verify(t.Context(), image, verify.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Data: data})
		if err == nil && (string(a.Predicate) != document || a.Subject.Digest != image.Digest) {
			t.Errorf("%+v", a)
		}
	})
}

// No part of a signed artifact can change and be believed as something else.
func TestCompositeBitByBit(t *testing.T) {
	const document = `{"bomFormat":"CycloneDX"}`
	key := newKey()
	chain := newChain(t, key, nil)
	good := signedArtifact(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}, document)
	v, believed := verifier(chain), 0
	for i := 0; i < len(good.Data); i += 3 {
		bad := good
		bad.Data = slices.Clone(good.Data)
		bad.Data[i] ^= 1
		a, err := v.Verify(t.Context(), image, bad)
		switch {
		case err == nil && (string(a.Predicate) != document || a.Subject.Digest != image.Digest):
			t.Fatalf("byte %d: %+v", i, a)
		case err == nil:
			believed++
		}
	}
	if believed > 64 { // of names that nothing depends on
		t.Errorf("%d changes go unnoticed", believed)
	}
}
