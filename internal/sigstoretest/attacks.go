package sigstoretest

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/notaryproject/tspclient-go"
	"github.com/opencontainers/go-digest"
)

// What [Release] signs, when, and by whom.
var (
	SignedAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	Image    = digest.FromString("an image")
	Payload  = []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + Image.Encoded() +
		`"}}],"predicateType":"https://example.com/p","predicate":{}}`)
)

const (
	Workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0"
	Actions  = "https://token.actions.githubusercontent.com"
	issuerV1 = 1
	issuerV2 = 8
)

// Release is a signing by a workflow.
func Release() Signing {
	return Signing{URI: Workflow, Issuer: Actions, Payload: Payload, At: SignedAt, Claims: map[int]string{
		9: Workflow, 11: "github-hosted", 12: "https://github.com/acme/app", 14: "refs/tags/v1.0", 15: "1234", 18: Workflow, 20: "push"}}
}

// extension changes one extension of a certificate's template, or drops it if edit returns false.
func extension(c *x509.Certificate, id asn1.ObjectIdentifier, edit func(e *pkix.Extension) bool) {
	var kept []pkix.Extension
	for _, e := range c.ExtraExtensions {
		if !e.Id.Equal(id) || edit(&e) {
			kept = append(kept, e)
		}
	}
	c.ExtraExtensions = kept
}

func fulcio(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, n} }

var oidSAN = asn1.ObjectIdentifier{2, 5, 29, 17}

// SetSAN changes the names of a certificate's template; see [SAN].
func SetSAN(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		extension(c, oidSAN, func(e *pkix.Extension) bool { *e = SAN(names...); return true })
	}
}

func setExtension(n int, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		extension(c, fulcio(n), func(e *pkix.Extension) bool { e.Value = value; return value != nil })
	}
}

// Node follows members and indices of decoded JSON.
func Node(doc any, keys ...any) map[string]any {
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			doc = doc.(map[string]any)[k]
		case int:
			doc = doc.([]any)[k]
		}
	}
	return doc.(map[string]any)
}

func entryOf(b map[string]any) map[string]any {
	return Node(b, "verificationMaterial", "tlogEntries", 0)
}

// An Attack is a bundle, by how it differs from that of [Release]. A nil func changes nothing.
type Attack struct {
	Name    string
	Edit    func(s *Instance, g *Signing)
	Root    func(root map[string]any)
	Options sigstore.Options
	Want    error // nil: it is fine
}

// Attacks returns bundles that are good, and such as are not: of those all signatures hold and one thing is off.
func Attacks() []Attack {
	other := New(SignedAt)
	return slices.Concat([]Attack{
		{Name: "first log"},
		{Name: "first log, message", Edit: func(_ *Instance, g *Signing) { g.Payload, g.Message = nil, []byte("a file") }},
		{Name: "second log", Edit: tiles(nil)},
		{Name: "second log, message", Edit: tiles(func(g *Signing) { g.Payload, g.Message = nil, []byte("a file") })},
		{Name: "first log and timestamp", Edit: func(_ *Instance, g *Signing) { g.Timestamp = true }},
	}, certificateAttacks(), authorityAttacks(other), timeAttacks(), transparencyAttacks(other), entryAttacks(), proofAttacks(),
		tiledAttacks(), timestampAttacks(other), envelopeAttacks(other))
}

// certificateAttacks are on the certificate of the signer.
func certificateAttacks() []Attack {
	return []Attack{
		{Name: "CA", Edit: leaf(func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }),
			Want: sigstore.ErrCertificateProfile},
		{Name: "key usage", Edit: leaf(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }),
			Want: sigstore.ErrCertificateProfile},
		{Name: "no key usage", Edit: leaf(func(c *x509.Certificate) { c.KeyUsage = 0 }), Want: sigstore.ErrCertificateProfile},
		{Name: "no extended key usage", Edit: leaf(func(c *x509.Certificate) { c.ExtKeyUsage = nil }),
			Want: sigstore.ErrCertificateProfile},
		{Name: "other extended key usage",
			Edit: leaf(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
			Want: sigstore.ErrCertificateProfile},
		{Name: "second extended key usage",
			Edit: leaf(func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}} }),
			Want: sigstore.ErrCertificateProfile},
		{Name: "subject", Edit: leaf(func(c *x509.Certificate) { c.Subject.CommonName = "x" }), Want: sigstore.ErrCertificateProfile},
		{Name: "unknown critical extension", Edit: leaf(func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions,
				pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
		}), Want: sigstore.ErrCertificateProfile},
		{Name: "two names", Edit: leaf(SetSAN("\x06"+Workflow, "\x01a@example.com")), Want: sigstore.ErrSAN},
		{Name: "second name of its kind", Edit: leaf(SetSAN("\x06https://example.com/x", "\x06"+Workflow)), Want: sigstore.ErrSAN},
		{Name: "name of another kind", Edit: leaf(SetSAN("\x01a@example.com")), Want: sigstore.ErrIdentity},
		{Name: "user name", Edit: leaf(SetSAN("\x00somebody!example.org")), Want: sigstore.ErrIdentity},
		{Name: "host name", Edit: leaf(SetSAN("\x02example.com")), Want: sigstore.ErrSAN},
		{Name: "name in upper case", Edit: leaf(SetSAN("\x06" + strings.Replace(Workflow, "https", "HTTPS", 1))),
			Want: sigstore.ErrIdentity},
		{Name: "name with NUL", Edit: leaf(SetSAN("\x06" + Workflow + "\x00")), Want: verify.ErrMalformed},
		{Name: "name with line break", Edit: leaf(SetSAN("\x06" + Workflow + "\n")), Want: verify.ErrMalformed},
		{Name: "name not critical", Edit: leaf(func(c *x509.Certificate) {
			extension(c, oidSAN, func(e *pkix.Extension) bool { e.Critical = false; return true })
		}), Want: sigstore.ErrSAN},
		{Name: "no name", Edit: leaf(func(c *x509.Certificate) { extension(c, oidSAN, func(*pkix.Extension) bool { return false }) }),
			Want: sigstore.ErrSAN},
		{Name: "issuers differ", Edit: leaf(setExtension(issuerV1, []byte("https://example.com"))), Want: sigstore.ErrIssuersDisagree},
		{Name: "new issuer alone", Edit: leaf(setExtension(issuerV1, nil))},
		{Name: "old issuer alone", Edit: leaf(setExtension(issuerV2, nil))},
		{Name: "no issuer", Edit: leaf(func(c *x509.Certificate) { setExtension(issuerV1, nil)(c); setExtension(issuerV2, nil)(c) }),
			Want: sigstore.ErrClaim},
		{Name: "claim as PrintableString", Edit: leaf(setExtension(12, []byte("\x13\x01a"))), Want: sigstore.ErrClaim},
		{Name: "claim with trailing bytes", Edit: leaf(setExtension(12, []byte("\x0c\x01ab"))), Want: sigstore.ErrClaim},
		{Name: "claim twice", Edit: leaf(func(c *x509.Certificate) { c.ExtraExtensions = append(c.ExtraExtensions, Claim(12, "x")) }),
			Want: sigstore.ErrCertificate},
		{Name: "bare key", Edit: func(_ *Instance, g *Signing) {
			g.Key = key()
			public := spki(g.Key.Public())
			g.Issued = func([]byte) []byte { return public }
		}, Want: sigstore.ErrKeyForCertificate},
	}
}

// authorityAttacks are on the chain from there to a trusted authority.
func authorityAttacks(other *Instance) []Attack {
	return []Attack{
		{Name: "authority of the same name, with another key", Root: func(r map[string]any) {
			var from map[string]any
			if err := json.Unmarshal(other.TrustedRoot(nil), &from); err != nil {
				panic(err)
			}
			r["certificateAuthorities"] = from["certificateAuthorities"]
		}, Want: sigstore.ErrChain},
		{Name: "two authorities of one name, in either order", Root: func(r map[string]any) {
			var from map[string]any
			if err := json.Unmarshal(other.TrustedRoot(nil), &from); err != nil {
				panic(err)
			}
			r["certificateAuthorities"] = append(from["certificateAuthorities"].([]any), r["certificateAuthorities"].([]any)...)
		}},
		{Name: "chain in another order", Root: func(r map[string]any) {
			chain := Node(r, "certificateAuthorities", 0, "certChain")
			list := chain["certificates"].([]any)
			chain["certificates"] = []any{list[1], list[0]}
		}, Want: sigstore.ErrChain},
		{Name: "anchor is the issuing authority", Root: func(r map[string]any) {
			chain := Node(r, "certificateAuthorities", 0, "certChain")
			chain["certificates"] = chain["certificates"].([]any)[:1]
		}},
		{Name: "authority's certificate ended", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) { c.NotAfter = SignedAt.Add(-time.Second) })
		}, Want: sigstore.ErrChainTime},
		{Name: "authority's certificate begins", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) { c.NotBefore = SignedAt.Add(time.Second) })
		}, Want: sigstore.ErrChainTime},
		{Name: "authority for other usages", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
		}, Want: sigstore.ErrChain},
		{Name: "anchor for other usages", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
			s.Chain = s.Chain[:1]
		}, Want: sigstore.ErrChain},
		{Name: "authority that may not issue", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
		}, Want: sigstore.ErrChain},
		{Name: "authority that may not issue this name", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) { c.ExcludedURIDomains = []string{"github.com"} })
		}, Want: sigstore.ErrChain},
		{Name: "authority that may issue this name", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) {
				c.PermittedURIDomains, c.PermittedDNSDomainsCritical = []string{"github.com"}, true
			})
		}},
		{Name: "authority with a critical extension", Edit: func(s *Instance, _ *Signing) {
			s.Reissue(func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
			})
		}, Want: sigstore.ErrChain},
		{Name: "path length", Edit: func(s *Instance, _ *Signing) { below(s) }, Want: sigstore.ErrChain},
	}
}

// timeAttacks are on when certificate and authority are valid.
func timeAttacks() []Attack {
	return []Attack{
		{Name: "certificate of later", Edit: leaf(func(c *x509.Certificate) { c.NotBefore = SignedAt.Add(time.Second) }),
			Want: sigstore.ErrChainTime},
		{Name: "certificate of earlier", Edit: leaf(func(c *x509.Certificate) { c.NotAfter = SignedAt.Add(-time.Second) }),
			Want: sigstore.ErrChainTime},
		{Name: "authority ended", Root: ca(long, before), Want: sigstore.ErrChainTime},
		{Name: "authority ends now", Root: ca(long, now)},
		{Name: "authority begins now", Root: ca(now, later)},
		{Name: "authority begins", Root: ca(after, later), Want: sigstore.ErrChainTime},
		{Name: "authority without start", Root: func(r map[string]any) {
			Node(r, "certificateAuthorities", 0)["validFor"] = map[string]any{"end": later}
		}, Want: sigstore.ErrChain},
		{Name: "in the future", Options: sigstore.Options{Now: func() time.Time { return SignedAt.Add(-6 * time.Minute) }},
			Want: sigstore.ErrFuture},
	}
}

// transparencyAttacks are on the signed certificate timestamp.
func transparencyAttacks(other *Instance) []Attack {
	return []Attack{
		{Name: "no SCT", Edit: sct(func(s *SCT) { s.Key = nil }), Want: sigstore.ErrTooFewSCTs},
		{Name: "no SCT, none asked for", Edit: sct(func(s *SCT) { s.Key = nil }), Options: sigstore.Options{SCTs: -1}},
		{Name: "forged SCT", Edit: sct(func(s *SCT) { s.Key = other.CT }), Want: sigstore.ErrSCTSignature},
		{Name: "SCT of another certificate", Edit: sct(func(s *SCT) { s.TBS = append(bytes.Clone(s.TBS), 0) }),
			Want: sigstore.ErrSCTSignature},
		{Name: "SCT of another issuer", Edit: sct(func(s *SCT) { s.IssuerKey[0]++ }), Want: sigstore.ErrSCTSignature},
		{Name: "SCT of an unknown log", Edit: sct(func(s *SCT) { s.LogID[0]++ }), Want: sigstore.ErrTooFewSCTs},
		{Name: "SCT with extensions", Edit: sct(func(s *SCT) { s.Extensions = []byte{0, 0, 5, 0, 0, 0, 0, 1} })},
		{Name: "SCT long before", Edit: sct(func(s *SCT) { s.At = SignedAt.Add(-time.Hour) }), Want: sigstore.ErrSCTTime},
		{Name: "SCT after", Edit: sct(func(s *SCT) { s.At = SignedAt.Add(time.Hour) }), Want: sigstore.ErrSCTTime},
		{Name: "SCT's log ended", Root: ct(long, before), Want: sigstore.ErrSCTTime},
		{Name: "SCT's log ends now", Root: ct(long, now)},
		{Name: "two SCTs asked for", Options: sigstore.Options{SCTs: 2}, Want: sigstore.ErrTooFewSCTs},
		{Name: "poison", Edit: leaf(func(c *x509.Certificate) {
			poison := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: poison, Value: []byte{5, 0}})
		}), Want: sigstore.ErrSCT},
	}
}

// entryAttacks are on the entry in a log of version 1.
func entryAttacks() []Attack {
	return []Attack{
		{Name: "no entry", Edit: bundle(func(b map[string]any) { Node(b, "verificationMaterial")["tlogEntries"] = []any{} }),
			Want: sigstore.ErrTooFewLogs},
		{Name: "entry of an unknown log", Edit: bundle(func(b map[string]any) { Node(entryOf(b), "logId")["keyId"] = make([]byte, 32) }),
			Want: sigstore.ErrUnknownLog},
		{Name: "entry twice", Edit: bundle(func(b map[string]any) {
			m := Node(b, "verificationMaterial")
			m["tlogEntries"] = []any{entryOf(b), entryOf(b)}
		}), Want: sigstore.ErrLogEntry},
		{Name: "two logs asked for", Options: sigstore.Options{Logs: 2}, Want: sigstore.ErrTooFewLogs},
		{Name: "entry of another signature", Edit: body(`"signature":"M`, `"signature":"N`), Want: sigstore.ErrLogEntrySignature},
		{Name: "entry of another payload",
			Edit: body(`"payloadHash":{"algorithm":"sha256","value":"`, `"payloadHash":{"algorithm":"sha256","value":"00`),
			Want: sigstore.ErrLogEntryContent},
		{Name: "entry with another algorithm", Edit: body(`"payloadHash":{"algorithm":"sha256"`, `"payloadHash":{"algorithm":"sha512"`),
			Want: sigstore.ErrLogEntryContent},
		{Name: "entry of another kind", Edit: body(`"kind":"dsse"`, `"kind":"rekord"`), Want: sigstore.ErrLogEntryKind},
		{Name: "entry with another label", Edit: bundle(func(b map[string]any) { Node(entryOf(b), "kindVersion")["kind"] = "intoto" }),
			Want: sigstore.ErrLogEntryKind},
		{Name: "entry of the other log's kind",
			Edit: body(`"apiVersion":"0.0.1","kind":"dsse"`, `"apiVersion":"0.0.2","kind":"hashedrekord"`),
			Want: sigstore.ErrLogEntryKind},
		{Name: "entry with a member more", Edit: body(`"spec":{`, `"spec":{"x":1,`), Want: sigstore.ErrLogEntry},
		{Name: "entry of another certificate, same key", Edit: func(s *Instance, g *Signing) {
			k := key()
			g.Key = k
			again := s.Sign(Signing{URI: Workflow, Issuer: Actions, Payload: Payload, At: SignedAt, Key: k})
			var other map[string]any
			if err := json.Unmarshal(again, &other); err != nil {
				panic(err)
			}
			certificate := Node(other, "verificationMaterial", "certificate")["rawBytes"].(string)
			der, _ := base64.StdEncoding.DecodeString(certificate)
			text := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
			g.Body = func(b []byte) []byte {
				from := bytes.Index(b, []byte(`"verifier":"`)) + len(`"verifier":"`)
				to := from + bytes.IndexByte(b[from:], '"')
				return append(append(bytes.Clone(b[:from]), text...), b[to:]...)
			}
		}, Want: sigstore.ErrLogEntryKey},
		{Name: "promise with another time", Edit: func(_ *Instance, g *Signing) {
			g.Promise = func(p *Promise) { p.IntegratedTime++ }
		}, Want: sigstore.ErrPromise},
		{Name: "promise with another index", Edit: func(_ *Instance, g *Signing) {
			g.Promise = func(p *Promise) { p.LogIndex++ }
		}, Want: sigstore.ErrPromise},
		{Name: "promise without time", Edit: bundle(func(b map[string]any) { delete(entryOf(b), "integratedTime") }),
			Want: sigstore.ErrLogEntry},
		{Name: "proof without promise", Edit: bundle(func(b map[string]any) { delete(entryOf(b), "inclusionPromise") }),
			Want: sigstore.ErrNoTime},
		{Name: "promise without proof", Edit: bundle(func(b map[string]any) { delete(entryOf(b), "inclusionProof") }),
			Want: sigstore.ErrNoProof},
		{Name: "promise alone, version 0.1", Edit: bundle(func(b map[string]any) {
			delete(entryOf(b), "inclusionProof")
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
		})},
		{Name: "promise alone, too late", Edit: bundle(func(b map[string]any) {
			delete(entryOf(b), "inclusionProof")
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
		}), Options: sigstore.Options{ProofAfter: SignedAt.Add(-time.Second)}, Want: sigstore.ErrNoProof},
		{Name: "log's key ended", Root: log(long, before), Want: sigstore.ErrLogTime},
		{Name: "log's key ends now", Root: log(long, now)},
		{Name: "log's key begins", Root: log(after, later), Want: sigstore.ErrLogTime},
		{Name: "log with another's identifier", Root: func(r map[string]any) { Node(r, "tlogs", 0, "logId")["keyId"] = make([]byte, 32) },
			Want: sigstore.ErrUnknownLog},
	}
}

// proofAttacks are on the proof that the entry is in that log.
func proofAttacks() []Attack {
	return []Attack{
		{Name: "proof with another index", Edit: bundle(func(b map[string]any) { Node(entryOf(b), "inclusionProof")["logIndex"] = "2" }),
			Want: sigstore.ErrInclusionProof},
		{Name: "proof with another size", Edit: bundle(func(b map[string]any) { Node(entryOf(b), "inclusionProof")["treeSize"] = "6" }),
			Want: sigstore.ErrInclusionProof},
		{Name: "proof with a hash less", Edit: bundle(func(b map[string]any) {
			p := Node(entryOf(b), "inclusionProof")
			p["hashes"] = p["hashes"].([][]byte)[1:]
		}), Want: sigstore.ErrInclusionProof},
		{Name: "proof with a hash more", Edit: bundle(func(b map[string]any) {
			p := Node(entryOf(b), "inclusionProof")
			p["hashes"] = append(p["hashes"].([][]byte), make([]byte, 32))
		}), Want: sigstore.ErrInclusionProof},
		{Name: "checkpoint of another log", Edit: checkpoint("rekor.example - ", "other.example - "), Want: sigstore.ErrCheckpointOrigin},
		{Name: "checkpoint of the other generation", Edit: checkpoint("rekor.example - 4711", "rekor.example"), Want: sigstore.ErrLogEntry},
		{Name: "checkpoint of another tree", Edit: checkpoint("\n5\n", "\n6\n"), Want: sigstore.ErrInclusionProof},
		{Name: "checkpoint changed", Edit: note(func(n string) string { return strings.Replace(n, "4711", "4712", 1) }),
			Want: sigstore.ErrCheckpointSignature},
		{Name: "checkpoint under another name", Edit: note(func(n string) string { return strings.Replace(n, "— rekor", "— rakor", 1) }),
			Want: sigstore.ErrCheckpointSignature},
		{Name: "checkpoint without signature", Edit: note(func(n string) string { return n[:strings.LastIndex(n, "\n\n")+2] }),
			Want: sigstore.ErrCheckpoint},
		{Name: "checkpoint with a stranger's line", Edit: note(func(n string) string { return n + "— witness.example AAAAAAEC\n" })},
		{Name: "checkpoint with 17 lines",
			Edit: note(func(n string) string { return n + strings.Repeat("— witness.example AAAAAAEC\n", 16) }),
			Want: sigstore.ErrOverLimit},
		{Name: "checkpoint with carriage returns", Edit: note(func(n string) string { return strings.ReplaceAll(n, "\n", "\r\n") }),
			Want: sigstore.ErrCheckpoint},
		{Name: "checkpoint with a bad line of its own first", Edit: note(func(n string) string {
			head, lines, _ := strings.Cut(n, "\n\n")
			bad := lines[:len("— rekor.example ")+8] + "AAAA" + lines[len("— rekor.example ")+12:]
			return head + "\n\n" + bad + lines
		}), Want: sigstore.ErrCheckpointSignature},
	}
}

// tiledAttacks are on the entry in a log of version 2.
func tiledAttacks() []Attack {
	return []Attack{
		{Name: "no timestamp", Edit: tiles(func(g *Signing) {
			g.Bundle = func(b map[string]any) { delete(Node(b, "verificationMaterial"), "timestampVerificationData") }
		}), Want: sigstore.ErrNoTime},
		{Name: "second log with a time", Edit: tiles(func(g *Signing) {
			g.Bundle = func(b map[string]any) { entryOf(b)["integratedTime"] = "1780000000" }
		}), Want: sigstore.ErrLogEntry},
		{Name: "second log with another index", Edit: tiles(func(g *Signing) {
			g.Bundle = func(b map[string]any) { entryOf(b)["logIndex"] = "4" }
		}), Want: sigstore.ErrInclusionProof},
		{Name: "second log, digest of the payload", Edit: tiles(func(g *Signing) {
			g.Body = func(b []byte) []byte { return bytes.Replace(b, []byte(`"digest":"`), []byte(`"digest":"AAAA`), 1) }
		}), Want: sigstore.ErrLogEntryContent},
		{Name: "second log, other key details", Edit: tiles(func(g *Signing) {
			g.Body = func(b []byte) []byte { return bytes.Replace(b, []byte("P256_SHA_256"), []byte("P384_SHA_384"), 1) }
		}), Want: sigstore.ErrLogEntry},
		{Name: "second log under the first's kind", Edit: tiles(func(g *Signing) {
			g.Bundle = func(b map[string]any) { Node(entryOf(b), "kindVersion")["version"] = "0.0.1" }
		}), Want: sigstore.ErrLogEntryKind},
		{Name: "second log of the first's origin", Edit: tiles(func(g *Signing) {
			g.Checkpoint = func(c string) string { return strings.Replace(c, "tiles.example", "tiles.example - 1", 1) }
		}), Want: sigstore.ErrCheckpointOrigin},
	}
}

// timestampAttacks are on the timestamp of an authority.
func timestampAttacks(other *Instance) []Attack {
	return []Attack{
		{Name: "timestamp of another signature", Edit: tiles(func(g *Signing) {
			g.Stamp = func([]byte) []byte { return []byte("another") }
		}), Want: sigstore.ErrTimestampContent},
		{Name: "timestamp of the payload", Edit: tiles(func(g *Signing) { g.Stamp = func([]byte) []byte { return Payload } }),
			Want: sigstore.ErrTimestampContent},
		{Name: "timestamp after the certificate", Edit: tiles(func(g *Signing) {
			g.TSTInfo = func(i *tspclient.TSTInfo) { i.GenTime = SignedAt.Add(time.Hour) }
		}), Want: sigstore.ErrChainTime},
		{Name: "timestamp whose accuracy ends after the certificate", Edit: tiles(func(g *Signing) {
			g.TSTInfo = func(i *tspclient.TSTInfo) {
				i.GenTime = SignedAt.Add(10 * time.Minute)
				i.Accuracy.Seconds = 1
			}
		}), Want: sigstore.ErrChainTime},
		{Name: "timestamp of an unknown authority", Edit: func(s *Instance, g *Signing) {
			g.Tiles = true
			g.Bundle = func(b map[string]any) {
				var from map[string]any
				h := Release()
				h.Tiles = true
				_ = json.Unmarshal(other.Sign(h), &from)
				Node(b, "verificationMaterial")["timestampVerificationData"] =
					Node(from, "verificationMaterial")["timestampVerificationData"]
			}
		}, Want: sigstore.ErrTimestampSigner}, // of the same name and number
		{Name: "authority of timestamps ended", Edit: tiles(nil), Root: tsa(long, before), Want: sigstore.ErrTimestampTime},
		{Name: "authority of timestamps ends now", Edit: tiles(nil), Root: tsa(long, now)},
		{Name: "two timestamps asked for", Edit: tiles(nil), Options: sigstore.Options{Timestamps: 2}, Want: sigstore.ErrTooFewTimestamps},
		{Name: "timestamp twice", Edit: tiles(func(g *Signing) {
			g.Bundle = func(b map[string]any) {
				d := Node(b, "verificationMaterial", "timestampVerificationData")
				list := d["rfc3161Timestamps"].([]any)
				d["rfc3161Timestamps"] = append(list, list[0])
			}
		}), Options: sigstore.Options{Timestamps: 2}, Want: sigstore.ErrTooFewTimestamps},
		{Name: "first log outside, timestamp inside", Edit: func(_ *Instance, g *Signing) {
			g.Timestamp = true
			g.Promise = func(p *Promise) { p.IntegratedTime += 3600 }
			g.Bundle = func(b map[string]any) { entryOf(b)["integratedTime"] = "1780318800" }
		}, Want: sigstore.ErrChainTime},
	}
}

// envelopeAttacks are on the bundle and what it holds.
func envelopeAttacks(other *Instance) []Attack {
	return []Attack{
		{Name: "other payload", Edit: func(_ *Instance, g *Signing) {
			g.Statement = func(e map[string]any) { e["payload"] = append(bytes.Clone(Payload), ' ') }
		}, Want: sigstore.ErrLogEntryContent},
		{Name: "other Payload type", Edit: func(_ *Instance, g *Signing) {
			g.Statement = func(e map[string]any) { e["payloadType"] = "application/json" }
		}, Want: sigstore.ErrSignature},
		{Name: "chain with a root", Edit: bundle(func(b map[string]any) {
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
			m := Node(b, "verificationMaterial")
			m["x509CertificateChain"] =
				map[string]any{"certificates": []any{m["certificate"], map[string]any{"rawBytes": other.Chain[1].Raw}}}
			delete(m, "certificate")
		})}, // which is not believed
		{Name: "chain of a stranger", Edit: bundle(func(b map[string]any) {
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
			m := Node(b, "verificationMaterial")
			m["x509CertificateChain"] =
				map[string]any{"certificates": []any{m["certificate"], map[string]any{"rawBytes": other.Chain[0].Raw}}}
			delete(m, "certificate")
		})},
		{Name: "chain in version 0.3", Edit: bundle(func(b map[string]any) {
			m := Node(b, "verificationMaterial")
			m["x509CertificateChain"] = map[string]any{"certificates": []any{m["certificate"]}}
			delete(m, "certificate")
		}), Want: sigstore.ErrBundle},
		{Name: "two signatures", Edit: func(_ *Instance, g *Signing) {
			g.Statement = func(e map[string]any) {
				list := e["signatures"].([]any)
				e["signatures"] = append(list, list[0])
			}
		}, Want: sigstore.ErrOverLimit},
		{Name: "unknown version", Edit: bundle(func(b map[string]any) { b["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json" }),
			Want: sigstore.ErrVersion},
		{Name: "unknown member", Edit: bundle(func(b map[string]any) { b["extra"] = 1 }), Want: sigstore.ErrBundle},
	}
}

// These make what an attack does to a signing, each to one part of it.
func leaf(f func(*x509.Certificate)) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) { g.Leaf = f }
}

func sct(f func(*SCT)) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) { g.SCT = f }
}

func bundle(f func(map[string]any)) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) { g.Bundle = f }
}

func tiles(f func(g *Signing)) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) {
		g.Tiles = true
		if f != nil {
			f(g)
		}
	}
}

func body(old, new string) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) {
		g.Body = func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				panic(fmt.Sprintf("%s has no %s", b, old))
			}
			return bytes.Replace(b, []byte(old), []byte(new), 1)
		}
	}
}

func note(f func(string) string) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) { g.Signed = f }
}

func checkpoint(old, new string) func(*Instance, *Signing) {
	return func(_ *Instance, g *Signing) {
		g.Checkpoint = func(text string) string { return strings.Replace(text, old, new, 1) }
	}
}

func window(list string, member ...any) func(start, end string) func(map[string]any) {
	return func(start, end string) func(map[string]any) {
		return func(r map[string]any) {
			w := Node(r, append([]any{list, 0}, member...)...)
			w["validFor"] = map[string]any{"start": start, "end": end}
		}
	}
}

var (
	log, ct = window("tlogs", "publicKey"), window("ctlogs", "publicKey")
	ca, tsa = window("certificateAuthorities"), window("timestampAuthorities")
)

// Starts and ends of a window, around the time of signing.
const (
	long   = "2020-01-01T00:00:00Z"
	before = "2026-06-01T11:59:59.999Z"
	now    = "2026-06-01T12:00:00Z"
	after  = "2026-06-01T12:00:00.001Z"
	later  = "2030-01-01T00:00:00Z"
)

// below gives an instance an authority below its issuing one, which may have none.
func below(s *Instance) {
	k := key()
	c := must(x509.ParseCertificate(
		must(x509.CreateCertificate(rand.Reader, s.Authority("below", nil), s.Chain[0], k.Public(), s.ChainKey))))
	s.Chain, s.ChainKey = append([]*x509.Certificate{c}, s.Chain...), k
}

// Join adds the funcs that a Signing has to another, and reports whether they are not the same ones.
func Join(to *Signing, from Signing) bool {
	a, b := reflect.ValueOf(to).Elem(), reflect.ValueOf(from)
	for i := range a.NumField() {
		if f := a.Field(i); f.Kind() == reflect.Func && !b.Field(i).IsNil() {
			if !f.IsNil() && f.Pointer() != b.Field(i).Pointer() {
				return false
			}
			f.Set(b.Field(i))
		}
	}
	return true
}
