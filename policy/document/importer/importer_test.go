package importer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/document/importer"
	"github.com/ladingdev/lading/verify"
)

func key(t testing.TB) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func indent(s, by string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+by)
}

// decide loads a document and asks it about an image with signatures, or attestations of a type, by entries of trust.
func decide(t testing.TB, data []byte, image string, predicateType string, by ...string) *policy.Decision {
	t.Helper()
	doc, err := document.Parse(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	kinds := map[string]document.TrustFunc{}
	for _, k := range doc.Kinds() {
		kinds[k] = func(*document.Trust) (verify.Verifier, error) { return nobody{}, nil }
	}
	p, err := doc.Load(&document.Options{Trust: kinds})
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	a := &verify.Attestation{Kind: verify.ImageSignature}
	if predicateType != "" {
		a.Kind, a.PredicateType = verify.Statement, predicateType
	}
	for i, name := range by {
		a.Signers = append(a.Signers,
			verify.Signer{Entries: []string{name}, Identity: verify.Identity{Kind: verify.KeyIdentity, Key: fmt.Sprintf("%064x", i+1)}})
	}
	report := &verify.Report{}
	if by != nil {
		report.Attestations = append(report.Attestations, a)
	}
	return policy.Decide(context.Background(), p, &policy.Input{Name: image, Report: report})
}

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrFormat
}

// left compares what was left with paths and parts of reasons, all of them.
func left(t *testing.T, result *importer.Result, want ...string) {
	t.Helper()
	for _, l := range result.Left {
		if !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(l.String(), w) }) {
			t.Errorf("left, and not expected: %s", l)
		}
		if l.Line < 1 || l.Column < 1 {
			t.Errorf("without a place: %s", l)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(result.Left, func(l importer.Left) bool { return strings.Contains(l.String(), w) }) {
			t.Errorf("not left: %s, of %v", w, result.Left)
		}
	}
}

func TestNotation(t *testing.T) {
	result, err := importer.Notation([]byte(`{
  "version": "1.0",
  "trustPolicies": [
    {"name": "all", "registryScopes": ["*"], "signatureVerification": {"level": "audit"}, "trustStores": ["ca:acme"], "trustedIdentities": ["*"]},
    {"name": "shop", "registryScopes": ["registry.example.com/shop/app"], "signatureVerification": {"level": "strict", "override": {"revocation": "skip"}},
     "trustStores": ["signingAuthority:aws-signer-ts"], "trustedIdentities": ["arn:aws:signer:eu-central-1:123456789012:/signing-profiles/shop"]},
    {"name": "dev", "registryScopes": ["registry.example.com/dev/app"], "signatureVerification": {"level": "skip"}}
  ]
}`))
	if err != nil {
		t.Fatal(err)
	}
	left(t, result, `4:81: trustPolicies[0].signatureVerification.level: audit lets`,
		`trustPolicies[2].signatureVerification.level: skip lets images in without evidence`)
	for _, tt := range []struct {
		image string
		by    []string
		want  policy.Verdict
		warns int
	}{
		{"registry.example.com/shop/app:v1", []string{"shop"}, policy.Allow, 0},
		{"registry.example.com/shop/app:v1", []string{"all"}, policy.Deny, 0},
		{"registry.example.com/dev/app:v1", []string{"all"}, policy.Deny, 0},
		{"registry.example.com/other:v1", []string{"all"}, policy.Allow, 0},
		{"registry.example.com/other:v1", nil, policy.Allow, 1},
	} {
		if d := decide(t, result.Document, tt.image, "", tt.by...); d.Verdict != tt.want || len(d.Warnings()) != tt.warns {
			t.Errorf("%s by %v: %v, %d warnings\n%s", tt.image, tt.by, d, len(d.Warnings()), result.Document)
		}
	}
	if !strings.Contains(string(result.Document), `revocation: off`) ||
		!strings.Contains(string(result.Document), "signing-profiles/shop") {
		t.Errorf("%s", result.Document)
	}
}

func TestClusterImagePolicy(t *testing.T) {
	pub := key(t)
	const head = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: shop\nspec:\n  images:\n    - " +
		"glob: registry.example.com/shop/**\n  authorities:\n"
	for _, tt := range []struct {
		name, authorities string
		predicateType     string
		by                []string
		want              policy.Verdict
		left              []string
	}{
		{"a key", "    - name: ours\n      ctlog: {}\n      key:\n        data: |\n          " + indent(pub, "          ") + "\n", "",
			[]string{"ours"}, policy.Allow, nil},
		{"a key in a log", "    - name: ours\n      ctlog: {url: https://rekor.sigstore.dev}\n      key:\n        data: |\n          " +
			indent(pub, "          ") + "\n", "", []string{"ours"}, policy.Allow, nil},
		{"keyless", "    - name: ci\n      keyless:\n        url: https://fulcio.sigstore.dev\n        identities:\n          - " +
			"issuer: https://token.actions.githubusercontent.com\n            subjectRegExp: ^https://github\\.com/acme/.*$\n", "",
			[]string{"ci"}, policy.Allow, nil},
		{"two identities", "    - keyless:\n        identities: [{issuer: a, subject: b}, {issuer: a, subject: c}]\n", "",
			[]string{"authority-0 2"}, policy.Allow, nil},
		{"an expression that is not anchored", "    - name: ci\n      keyless:\n        identities: [{issuer: https://i.example, " +
			"subjectRegExp: acme}]\n", "", []string{"ci"}, policy.Deny,
			[]string{"11:65: spec.authorities[0].keyless.identities[0].subjectRegExp: the expression matches whatever has it inside"}},
		{"everybody's subject", "    - name: ci\n      keyless:\n        identities: [{issuer: https://i.example}]\n", "", []string{"ci"},
			policy.Deny, []string{"without subject everybody's will do"}},
		{"one of two authorities", "    - name: a\n      key: {kms: awskms:///alias/a}\n      ctlog: {}\n    - name: b\n      key: " +
			"{secretRef: {name: b}}\n      ctlog: {}\n", "", []string{"b"}, policy.Allow, nil},
		{"an attestation", "    - name: a\n      ctlog: {}\n      key: {kms: awskms:///alias/a}\n      attestations:\n        - name: " +
			"sbom\n          predicateType: https://spdx.dev/Document\n          policy:\n            type: cue\n            data: |\n " +
			"             predicateType: \"https://spdx.dev/Document\"\n",
			"https://spdx.dev/Document", []string{"a"}, policy.Allow, nil},
		{"an attestation with a policy", "    - name: a\n      ctlog: {}\n      key: {kms: awskms:///alias/a}\n      attestations:\n   " +
			"     - name: sbom\n          predicateType: https://spdx.dev/Document\n          policy: {type: rego, data: 'package x'}\n",
			"https://spdx.dev/Document", []string{"a"}, policy.Deny,
			[]string{"spec.authorities[0].attestations[0].policy: a policy in rego"}},
		{"static pass", "    - name: a\n      static: {action: pass}\n", "", []string{"a"}, policy.Deny,
			[]string{"spec.authorities[0].static: images pass without evidence"}},
		{"static fail", "    - name: a\n      static: {action: fail, message: no}\n", "", []string{"a"}, policy.Deny, nil},
		{"a policy over all", "    - name: a\n      ctlog: {}\n      key: {kms: awskms:///alias/a}\n  policy: {type: cue, data: x}\n", "",
			[]string{"a"}, policy.Deny, []string{"spec.policy: a policy in cue over all authorities"}},
		{"a field of another version", "    - name: a\n      ctlog: {}\n      key: {kms: awskms:///alias/a}\n      quorum: 3\n", "",
			[]string{"a"}, policy.Allow, []string{"12:15: spec.authorities[0].quorum: there is nothing like it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result, err := importer.ClusterImagePolicy([]byte(head + tt.authorities))
			if err != nil {
				t.Fatal(err)
			}
			left(t, result, tt.left...)
			if d := decide(t, result.Document, "registry.example.com/shop/app:v1", tt.predicateType, tt.by...); d.Verdict != tt.want {
				t.Errorf("%v\n%s", d, result.Document)
			}
			if d := decide(t, result.Document, "registry.example.com/shop/app:v1", tt.predicateType, "stranger"); d.Verdict ==
				policy.Allow {
				t.Errorf("a stranger: %v\n%s", d, result.Document)
			}
		})
	}
}

func TestContainersPolicy(t *testing.T) {
	pub := base64.StdEncoding.EncodeToString([]byte(key(t)))
	result, err := importer.ContainersPolicy([]byte(`{
  "default": [{"type": "reject"}],
  "transports": {
    "docker-daemon": {"": [{"type": "insecureAcceptAnything"}]},
    "docker": {
      "registry.example.com": [{"type": "insecureAcceptAnything"}],
      "registry.example.com/shop": [{"type": "sigstoreSigned", "keyData": "` + pub + `", "signedIdentity": {"type": "matchRepository"}}],
      "registry.example.com/shop/old:v1": [{"type": "insecureAcceptAnything"}],
      "registry.example.com/both": [{"type": "sigstoreSigned", "keyPath": "/etc/a.pub"}, {"type": "sigstoreSigned", "keyPaths": ["/etc/b.pub", "/etc/c.pub"]}],
      "registry.example.com/gpg": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/x.gpg"}],
      "*.example.org": [{"type": "sigstoreSigned", "fulcio": {"caPath": "/etc/ca.pem", "oidcIssuer": "https://i.example", "subjectEmail": "a@example.org"}, "rekorPublicKeyPath": "/etc/rekor.pub", "signedIdentity": {"type": "matchRepository"}}]
    }
  }
}`))
	if err != nil {
		t.Fatal(err)
	}
	left(t, result, "transports.docker-daemon: there is nothing like it", "transports.docker.registry.example.com[0]: images pass "+
		"without evidence", "a scope of one tag or digest",
		"registry.example.com/shop/old:v1[0]: images pass without evidence", "the name in a signature is not compared here",
		"without signedIdentity the tag in a signature is compared", "signatures by GnuPG are not read here")
	for _, tt := range []struct {
		image string
		by    []string
		want  policy.Verdict
	}{
		{"registry.example.com/shop:v1", []string{"registry.example.com/shop"}, policy.Allow},
		{"registry.example.com/shop/app:v1", []string{"registry.example.com/shop"}, policy.Allow},
		{"registry.example.com/shopping:v1", []string{"registry.example.com/shop"}, policy.Deny},
		{"registry.example.com/shop/old:v2", []string{"registry.example.com/shop"}, policy.Deny},
		{"registry.example.com/both/x", []string{"registry.example.com/both"}, policy.Deny},
		{"registry.example.com/both/x", []string{"registry.example.com/both", "registry.example.com/both 3"}, policy.Allow},
		{"registry.example.com/gpg", []string{"registry.example.com/shop"}, policy.Deny},
		{"registry.example.com/other", nil, policy.Deny},
		{"a.example.org/x", []string{"example.org"}, policy.Allow},
		{"example.net/x", []string{"example.org"}, policy.Deny},
	} {
		if d := decide(t, result.Document, tt.image, "", tt.by...); d.Verdict != tt.want {
			t.Errorf("%s by %v: %v\n%s", tt.image, tt.by, d, result.Document)
		}
	}
}

func TestImageValidatingPolicy(t *testing.T) {
	pub := key(t)
	text := `apiVersion: policies.kyverno.io/v1alpha1
kind: ImageValidatingPolicy
metadata:
  name: shop
spec:
  validationActions: [%s]
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchImageReferences:
    - glob: registry.example.com/shop/*
  attestors:
    - name: ours
      cosign:
        key:
          data: |
            ` + indent(pub, "            ") + `
        ctlog: {insecureIgnoreTlog: true}
    - name: ci
      cosign:
        keyless:
          identities: [{issuer: "https://i.example", subject: "https://ci.example/build"}]
  attestations:
    - name: sbom
      intoto: {type: "https://cyclonedx.org/bom"}
  validations:
    - expression: %s
      message: images are signed
`
	const one = `images.containers.map(image, verifyImageSignatures(image, [attestors.ours, attestors.ci])).all(e ,e > 0)`
	for _, tt := range []struct {
		action, expression, predicateType string
		by                                []string
		want                              policy.Verdict
		warns                             int
		left                              string
	}{
		{"Deny", one, "", []string{"ci"}, policy.Allow, 0, ""},
		{"Deny", one, "", []string{"x"}, policy.Deny, 0, ""},
		{"Warn", one, "", []string{"x"}, policy.Allow, 1, ""},
		{"Audit", one, "", []string{"x"}, policy.Allow, 1, ""},
		{"Deny", strings.Replace(one, "> 0", ">= 2", 1), "", []string{"ci"}, policy.Deny, 0, ""},
		{"Deny", strings.Replace(one, "> 0", ">= 2", 1), "", []string{"ci", "ours"}, policy.Allow, 0, ""},
		{"Deny", strings.Replace(one, "> 0", ">= 3", 1), "", []string{"ci", "ours"}, policy.Deny, 0,
			"it asks for 3 attestors, and 2 of them could be said"},
		{"Deny", strings.Replace(one, "> 0", ">= 0", 1), "", []string{"ci", "ours"}, policy.Deny, 0, "it is met by images without any"},
		{"Deny", `images.containers.map(image, verifyAttestationSignatures(image, attestations.sbom ,[attestors.ci])).all(e, e > 0)`,
			"https://cyclonedx.org/bom", []string{"ci"}, policy.Allow, 0, ""},
		{"Deny", `images.containers.map(image, verifyAttestationSignatures(image, attestations.scan ,[attestors.ci])).all(e, e > 0)`,
			"https://cyclonedx.org/bom", []string{"ci"}, policy.Deny, 0, "validations[0]: an expression that is not known"},
		{"Deny", one + " && object.metadata.name == 'x'", "", []string{"ci"}, policy.Deny, 0,
			"validations[0]: an expression that is not known"},
		{"Deny", strings.Replace(one, "(image, [", "(other, [", 1), "", []string{"ci"}, policy.Deny, 0,
			"validations[0]: an expression that is not known"},
		{"Deny", "'true'", "", []string{"ci"}, policy.Deny, 0, "validations[0]: an expression that is not known"},
	} {
		result, err := importer.ImageValidatingPolicy(fmt.Appendf(nil, text, tt.action, tt.expression))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"spec.matchConstraints: it says for which requests it is"}
		if tt.left != "" {
			want = append(want, tt.left)
		}
		left(t, result, want...)
		if d := decide(t, result.Document, "registry.example.com/shop/a/b:v1", tt.predicateType, tt.by...); d.Verdict != tt.want ||
			len(d.Warnings()) != tt.warns {
			t.Errorf("%s, %s, by %v: %v, %d warnings\n%s", tt.action, tt.expression, tt.by, d, len(d.Warnings()), result.Document)
		}
	}
}

var importers = map[string]func([]byte) (*importer.Result, error){
	"notation": importer.Notation, "containers": importer.ContainersPolicy, "cip": importer.ClusterImagePolicy,
	"ivpol": importer.ImageValidatingPolicy,
}

func TestOthers(t *testing.T) {
	for name, f := range importers {
		for _, text := range []string{"", "{}", "[]", "a: b\n", `{"version":"2.0"}`, `{"default":[]}`, "apiVersion: v1\nkind: Pod\n",
			"a: &x [*x]\n", "{\"a\":1,\"a\":2}"} {
			if result, err := f([]byte(text)); !errors.Is(err, importer.ErrFormat) && (name != "containers" || text != `{"default":[]}`) {
				t.Errorf("%s of %q: %v, %v", name, text, result, err)
			}
		}
	}
}

// Whatever is read becomes a document that loads, and one that nobody signed for allows nothing.
func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"version":"1.0","trustPolicies":[{"name":"a","registryScopes":["a.example/b"],` +
		`"signatureVerification":{"level":"strict"},"trustStores":["ca:a"],"trustedIdentities":["*"]}]}`))
	f.Add([]byte(`{"default":[{"type":"reject"}],"transports":{"docker":{"a.example/b":[{"type":"sigstoreSigned","keyPath":"/a"}],` +
		`"":[{"type":"insecureAcceptAnything"}]}}}`))
	f.Add([]byte("apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: a}\n" +
		"spec: {images: [{glob: '**'}], authorities: [{key: {kms: a}}, {keyless: {identities: [{issuer: a, subject: b}]}}]}\n"))
	f.Add([]byte("apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata: {name: a}\nspec: {attestors: [{name: a, " +
		"cosign: {key: {kms: b}}}], validations: [{expression: 'images.containers.map(i, verifyImageSignatures(i, " +
		"[attestors.a])).all(e, e > 0)'}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, imports := range importers {
			result, err := imports(data)
			if err != nil {
				continue
			}
			doc, err := document.Parse(result.Document)
			if err != nil {
				t.Fatalf("%s of %q: %v", name, data, err)
			}
			if _, err := doc.Load(&document.Options{Unbound: true}); err != nil && !strings.Contains(err.Error(), "key") &&
				!strings.Contains(err.Error(), "PEM") {
				t.Errorf("%s of %q: %v\n%s", name, data, err, result.Document)
			}
		}
	})
}
