package sigstore_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/notaryproject/tspclient-go"
	"github.com/opencontainers/go-digest"
)

var (
	signedAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	image    = digest.FromString("an image")
	payload  = []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + image.Encoded() +
		`"}}],"predicateType":"https://example.com/p","predicate":{}}`)
)

const (
	workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0"
	issuerV1 = 1
	issuerV2 = 8
)

// release is a signing by the workflow that everybody trusts here.
func release() sigstoretest.Signing {
	return sigstoretest.Signing{URI: workflow, Issuer: actions, Payload: payload, At: signedAt, Claims: map[int]string{
		9: workflow, 11: "github-hosted", 12: "https://github.com/acme/app", 14: "refs/tags/v1.0", 15: "1234", 18: workflow, 20: "push"}}
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

func setSAN(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		extension(c, oidSAN, func(e *pkix.Extension) bool { *e = sigstoretest.SAN(names...); return true })
	}
}

func setExtension(n int, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		extension(c, fulcio(n), func(e *pkix.Extension) bool { e.Value = value; return value != nil })
	}
}

// path follows members and indices of decoded JSON.
func at(doc any, keys ...any) map[string]any {
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

func entryOf(b map[string]any) map[string]any { return at(b, "verificationMaterial", "tlogEntries", 0) }

// An attack is a bundle of which all signatures hold and one thing is off.
type attack struct {
	name string
	edit func(s *sigstoretest.Instance, g *sigstoretest.Signing)
	root func(root map[string]any)
	opts sigstore.Options
	want error // nil: it is fine
}

func TestAttacks(t *testing.T) {
	other := sigstoretest.New(signedAt)
	leaf := func(f func(*x509.Certificate)) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) { g.Leaf = f }
	}
	sct := func(f func(*sigstoretest.SCT)) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) { g.SCT = f }
	}
	bundle := func(f func(map[string]any)) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) { g.Bundle = f }
	}
	tiles := func(f func(g *sigstoretest.Signing)) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Tiles = true
			if f != nil {
				f(g)
			}
		}
	}
	body := func(old, new string) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Body = func(b []byte) []byte {
				if !bytes.Contains(b, []byte(old)) {
					t.Fatalf("%s has no %s", b, old)
				}
				return bytes.Replace(b, []byte(old), []byte(new), 1)
			}
		}
	}
	note := func(f func(string) string) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) { g.Signed = f }
	}
	checkpoint := func(old, new string) func(*sigstoretest.Instance, *sigstoretest.Signing) {
		return func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Checkpoint = func(text string) string { return strings.Replace(text, old, new, 1) }
		}
	}
	window := func(list string, member ...any) func(start, end string) func(map[string]any) {
		return func(start, end string) func(map[string]any) {
			return func(r map[string]any) {
				w := at(r, append([]any{list, 0}, member...)...)
				w["validFor"] = map[string]any{"start": start, "end": end}
			}
		}
	}
	log, ct := window("tlogs", "publicKey"), window("ctlogs", "publicKey")
	ca, tsa := window("certificateAuthorities"), window("timestampAuthorities")
	const long, before, now, after, ms = "2020-01-01T00:00:00Z", "2026-06-01T11:59:59.999Z", "2026-06-01T12:00:00Z", "2026-06-01T12:00:00.001Z", "2030-01-01T00:00:00Z"

	attacks := []attack{
		{name: "first log"},
		{name: "first log, message", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) { g.Payload, g.Message = nil, []byte("a file") }},
		{name: "second log", edit: tiles(nil)},
		{name: "second log, message", edit: tiles(func(g *sigstoretest.Signing) { g.Payload, g.Message = nil, []byte("a file") })},
		{name: "first log and timestamp", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) { g.Timestamp = true }},

		// The certificate.
		{name: "CA", edit: leaf(func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), want: sigstore.ErrCertificateProfile},
		{name: "key usage", edit: leaf(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }), want: sigstore.ErrCertificateProfile},
		{name: "no key usage", edit: leaf(func(c *x509.Certificate) { c.KeyUsage = 0 }), want: sigstore.ErrCertificateProfile},
		{name: "no extended key usage", edit: leaf(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), want: sigstore.ErrCertificateProfile},
		{name: "other extended key usage", edit: leaf(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
			want: sigstore.ErrCertificateProfile},
		{name: "second extended key usage", edit: leaf(func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}} }),
			want: sigstore.ErrCertificateProfile},
		{name: "subject", edit: leaf(func(c *x509.Certificate) { c.Subject.CommonName = "x" }), want: sigstore.ErrCertificateProfile},
		{name: "unknown critical extension", edit: leaf(func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
		}), want: sigstore.ErrCertificateProfile},
		{name: "two names", edit: leaf(setSAN("\x06"+workflow, "\x01a@example.com")), want: sigstore.ErrSAN},
		{name: "second name of its kind", edit: leaf(setSAN("\x06https://example.com/x", "\x06"+workflow)), want: sigstore.ErrSAN},
		{name: "name of another kind", edit: leaf(setSAN("\x01a@example.com")), want: sigstore.ErrIdentity},
		{name: "user name", edit: leaf(setSAN("\x00somebody!example.org")), want: sigstore.ErrIdentity},
		{name: "host name", edit: leaf(setSAN("\x02example.com")), want: sigstore.ErrSAN},
		{name: "name in upper case", edit: leaf(setSAN("\x06" + strings.Replace(workflow, "https", "HTTPS", 1))), want: sigstore.ErrIdentity},
		{name: "name with NUL", edit: leaf(setSAN("\x06" + workflow + "\x00")), want: verify.ErrMalformed},
		{name: "name with line break", edit: leaf(setSAN("\x06" + workflow + "\n")), want: verify.ErrMalformed},
		{name: "name not critical", edit: leaf(func(c *x509.Certificate) {
			extension(c, oidSAN, func(e *pkix.Extension) bool { e.Critical = false; return true })
		}), want: sigstore.ErrSAN},
		{name: "no name", edit: leaf(func(c *x509.Certificate) { extension(c, oidSAN, func(*pkix.Extension) bool { return false }) }), want: sigstore.ErrSAN},
		{name: "issuers differ", edit: leaf(setExtension(issuerV1, []byte("https://example.com"))), want: sigstore.ErrIssuersDisagree},
		{name: "new issuer alone", edit: leaf(setExtension(issuerV1, nil))},
		{name: "old issuer alone", edit: leaf(setExtension(issuerV2, nil))},
		{name: "no issuer", edit: leaf(func(c *x509.Certificate) { setExtension(issuerV1, nil)(c); setExtension(issuerV2, nil)(c) }), want: sigstore.ErrClaim},
		{name: "claim as PrintableString", edit: leaf(setExtension(12, []byte("\x13\x01a"))), want: sigstore.ErrClaim},
		{name: "claim with trailing bytes", edit: leaf(setExtension(12, []byte("\x0c\x01ab"))), want: sigstore.ErrClaim},
		{name: "claim twice", edit: leaf(func(c *x509.Certificate) { c.ExtraExtensions = append(c.ExtraExtensions, sigstoretest.Claim(12, "x")) }),
			want: sigstore.ErrCertificate},
		{name: "bare key", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Issued = func(der []byte) []byte {
				c, err := x509.ParseCertificate(der)
				if err != nil {
					t.Fatal(err)
				}
				return c.RawSubjectPublicKeyInfo
			}
		}, want: sigstore.ErrKeyForCertificate},
		{name: "authority of the same name, with another key", root: func(r map[string]any) {
			var from map[string]any
			if err := json.Unmarshal(other.TrustedRoot(nil), &from); err != nil {
				t.Fatal(err)
			}
			r["certificateAuthorities"] = from["certificateAuthorities"]
		}, want: sigstore.ErrChain},
		{name: "two authorities of one name, in either order", root: func(r map[string]any) {
			var from map[string]any
			if err := json.Unmarshal(other.TrustedRoot(nil), &from); err != nil {
				t.Fatal(err)
			}
			r["certificateAuthorities"] = append(from["certificateAuthorities"].([]any), r["certificateAuthorities"].([]any)...)
		}},
		{name: "chain in another order", root: func(r map[string]any) {
			chain := at(r, "certificateAuthorities", 0, "certChain")
			list := chain["certificates"].([]any)
			chain["certificates"] = []any{list[1], list[0]}
		}, want: sigstore.ErrChain},
		{name: "anchor is the issuing authority", root: func(r map[string]any) {
			chain := at(r, "certificateAuthorities", 0, "certChain")
			chain["certificates"] = chain["certificates"].([]any)[:1]
		}},
		{name: "authority's certificate ended", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) { c.NotAfter = signedAt.Add(-time.Second) })
		}, want: sigstore.ErrChainTime},
		{name: "authority's certificate begins", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) { c.NotBefore = signedAt.Add(time.Second) })
		}, want: sigstore.ErrChainTime},
		{name: "authority for other usages", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
		}, want: sigstore.ErrChain},
		{name: "authority that may not issue", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
		}, want: sigstore.ErrChain},
		{name: "authority that may not issue this name", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) { c.ExcludedURIDomains = []string{"github.com"} })
		}, want: sigstore.ErrChain},
		{name: "authority that may issue this name", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) {
				c.PermittedURIDomains, c.PermittedDNSDomainsCritical = []string{"github.com"}, true
			})
		}},
		{name: "authority with a critical extension", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) {
			s.Reissue(func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
			})
		}, want: sigstore.ErrChain},
		{name: "path length", edit: func(s *sigstoretest.Instance, _ *sigstoretest.Signing) { below(t, s, nil) }, want: sigstore.ErrChain},

		// Its times.
		{name: "certificate of later", edit: leaf(func(c *x509.Certificate) { c.NotBefore = signedAt.Add(time.Second) }), want: sigstore.ErrChainTime},
		{name: "certificate of earlier", edit: leaf(func(c *x509.Certificate) { c.NotAfter = signedAt.Add(-time.Second) }), want: sigstore.ErrChainTime},
		{name: "authority ended", root: ca(long, before), want: sigstore.ErrChainTime},
		{name: "authority ends now", root: ca(long, now)},
		{name: "authority begins now", root: ca(now, ms)},
		{name: "authority begins", root: ca(after, ms), want: sigstore.ErrChainTime},
		{name: "authority without start", root: func(r map[string]any) {
			at(r, "certificateAuthorities", 0)["validFor"] = map[string]any{"end": ms}
		}, want: sigstore.ErrChain},
		{name: "in the future", opts: sigstore.Options{Now: func() time.Time { return signedAt.Add(-6 * time.Minute) }}, want: sigstore.ErrFuture},

		// Certificate transparency.
		{name: "no SCT", edit: sct(func(s *sigstoretest.SCT) { s.Key = nil }), want: sigstore.ErrTooFewSCTs},
		{name: "no SCT, none asked for", edit: sct(func(s *sigstoretest.SCT) { s.Key = nil }), opts: sigstore.Options{SCTs: -1}},
		{name: "forged SCT", edit: sct(func(s *sigstoretest.SCT) { s.Key = other.CT }), want: sigstore.ErrSCTSignature},
		{name: "SCT of another certificate", edit: sct(func(s *sigstoretest.SCT) { s.TBS = append(bytes.Clone(s.TBS), 0) }), want: sigstore.ErrSCTSignature},
		{name: "SCT of another issuer", edit: sct(func(s *sigstoretest.SCT) { s.IssuerKey[0]++ }), want: sigstore.ErrSCTSignature},
		{name: "SCT of an unknown log", edit: sct(func(s *sigstoretest.SCT) { s.LogID[0]++ }), want: sigstore.ErrTooFewSCTs},
		{name: "SCT with extensions", edit: sct(func(s *sigstoretest.SCT) { s.Extensions = []byte{0, 0, 5, 0, 0, 0, 0, 1} })},
		{name: "SCT long before", edit: sct(func(s *sigstoretest.SCT) { s.At = signedAt.Add(-time.Hour) }), want: sigstore.ErrSCTTime},
		{name: "SCT after", edit: sct(func(s *sigstoretest.SCT) { s.At = signedAt.Add(time.Hour) }), want: sigstore.ErrSCTTime},
		{name: "SCT's log ended", root: ct(long, before), want: sigstore.ErrSCTTime},
		{name: "SCT's log ends now", root: ct(long, now)},
		{name: "two SCTs asked for", opts: sigstore.Options{SCTs: 2}, want: sigstore.ErrTooFewSCTs},
		{name: "poison", edit: leaf(func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}, Value: []byte{5, 0}})
		}), want: sigstore.ErrSCT},

		// The first log.
		{name: "no entry", edit: bundle(func(b map[string]any) { at(b, "verificationMaterial")["tlogEntries"] = []any{} }), want: sigstore.ErrTooFewLogs},
		{name: "entry of an unknown log", edit: bundle(func(b map[string]any) { at(entryOf(b), "logId")["keyId"] = make([]byte, 32) }), want: sigstore.ErrUnknownLog},
		{name: "entry twice", edit: bundle(func(b map[string]any) {
			m := at(b, "verificationMaterial")
			m["tlogEntries"] = []any{entryOf(b), entryOf(b)}
		}), want: sigstore.ErrLogEntry},
		{name: "two logs asked for", opts: sigstore.Options{Logs: 2}, want: sigstore.ErrTooFewLogs},
		{name: "entry of another signature", edit: body(`"signature":"M`, `"signature":"N`), want: sigstore.ErrLogEntrySignature},
		{name: "entry of another payload", edit: body(`"payloadHash":{"algorithm":"sha256","value":"`, `"payloadHash":{"algorithm":"sha256","value":"00`),
			want: sigstore.ErrLogEntryContent},
		{name: "entry with another algorithm", edit: body(`"payloadHash":{"algorithm":"sha256"`, `"payloadHash":{"algorithm":"sha512"`), want: sigstore.ErrLogEntryContent},
		{name: "entry of another kind", edit: body(`"kind":"dsse"`, `"kind":"rekord"`), want: sigstore.ErrLogEntryKind},
		{name: "entry with another label", edit: bundle(func(b map[string]any) { at(entryOf(b), "kindVersion")["kind"] = "intoto" }), want: sigstore.ErrLogEntryKind},
		{name: "entry of the other log's kind", edit: body(`"apiVersion":"0.0.1","kind":"dsse"`, `"apiVersion":"0.0.2","kind":"hashedrekord"`), want: sigstore.ErrLogEntryKind},
		{name: "entry with a member more", edit: body(`"spec":{`, `"spec":{"x":1,`), want: sigstore.ErrLogEntry},
		{name: "entry of another certificate, same key", edit: func(s *sigstoretest.Instance, g *sigstoretest.Signing) {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			g.Key = k
			again := s.Sign(sigstoretest.Signing{URI: workflow, Issuer: actions, Payload: payload, At: signedAt, Key: k})
			var other map[string]any
			if err := json.Unmarshal(again, &other); err != nil {
				t.Fatal(err)
			}
			certificate := at(other, "verificationMaterial", "certificate")["rawBytes"].(string)
			der, _ := base64.StdEncoding.DecodeString(certificate)
			text := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
			g.Body = func(b []byte) []byte {
				from := bytes.Index(b, []byte(`"verifier":"`)) + len(`"verifier":"`)
				to := from + bytes.IndexByte(b[from:], '"')
				return append(append(bytes.Clone(b[:from]), text...), b[to:]...)
			}
		}, want: sigstore.ErrLogEntryKey},
		{name: "promise with another time", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Promise = func(p *sigstoretest.Promise) { p.IntegratedTime++ }
		}, want: sigstore.ErrPromise},
		{name: "promise with another index", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Promise = func(p *sigstoretest.Promise) { p.LogIndex++ }
		}, want: sigstore.ErrPromise},
		{name: "promise without time", edit: bundle(func(b map[string]any) { delete(entryOf(b), "integratedTime") }), want: sigstore.ErrLogEntry},
		{name: "proof without promise", edit: bundle(func(b map[string]any) { delete(entryOf(b), "inclusionPromise") }), want: sigstore.ErrNoTime},
		{name: "promise without proof", edit: bundle(func(b map[string]any) { delete(entryOf(b), "inclusionProof") }), want: sigstore.ErrNoProof},
		{name: "promise alone, version 0.1", edit: bundle(func(b map[string]any) {
			delete(entryOf(b), "inclusionProof")
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
		})},
		{name: "promise alone, too late", edit: bundle(func(b map[string]any) {
			delete(entryOf(b), "inclusionProof")
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
		}), opts: sigstore.Options{ProofAfter: signedAt.Add(-time.Second)}, want: sigstore.ErrNoProof},
		{name: "log's key ended", root: log(long, before), want: sigstore.ErrLogTime},
		{name: "log's key ends now", root: log(long, now)},
		{name: "log's key begins", root: log(after, ms), want: sigstore.ErrLogTime},
		{name: "log with another's identifier", root: func(r map[string]any) { at(r, "tlogs", 0, "logId")["keyId"] = make([]byte, 32) }, want: sigstore.ErrUnknownLog},
		{name: "proof with another index", edit: bundle(func(b map[string]any) { at(entryOf(b), "inclusionProof")["logIndex"] = "2" }), want: sigstore.ErrInclusionProof},
		{name: "proof with another size", edit: bundle(func(b map[string]any) { at(entryOf(b), "inclusionProof")["treeSize"] = "6" }), want: sigstore.ErrInclusionProof},
		{name: "proof with a hash less", edit: bundle(func(b map[string]any) {
			p := at(entryOf(b), "inclusionProof")
			p["hashes"] = p["hashes"].([][]byte)[1:]
		}), want: sigstore.ErrInclusionProof},
		{name: "proof with a hash more", edit: bundle(func(b map[string]any) {
			p := at(entryOf(b), "inclusionProof")
			p["hashes"] = append(p["hashes"].([][]byte), make([]byte, 32))
		}), want: sigstore.ErrInclusionProof},
		{name: "checkpoint of another log", edit: checkpoint("rekor.example - ", "other.example - "), want: sigstore.ErrCheckpointOrigin},
		{name: "checkpoint of the other generation", edit: checkpoint("rekor.example - 4711", "rekor.example"), want: sigstore.ErrLogEntry},
		{name: "checkpoint of another tree", edit: checkpoint("\n5\n", "\n6\n"), want: sigstore.ErrInclusionProof},
		{name: "checkpoint changed", edit: note(func(n string) string { return strings.Replace(n, "4711", "4712", 1) }), want: sigstore.ErrCheckpointSignature},
		{name: "checkpoint under another name", edit: note(func(n string) string { return strings.Replace(n, "— rekor", "— rakor", 1) }), want: sigstore.ErrCheckpointSignature},
		{name: "checkpoint without signature", edit: note(func(n string) string { return n[:strings.LastIndex(n, "\n\n")+2] }), want: sigstore.ErrCheckpoint},
		{name: "checkpoint with a stranger's line", edit: note(func(n string) string { return n + "— witness.example AAAAAAEC\n" })},
		{name: "checkpoint with 17 lines", edit: note(func(n string) string { return n + strings.Repeat("— witness.example AAAAAAEC\n", 16) }), want: sigstore.ErrOverLimit},
		{name: "checkpoint with carriage returns", edit: note(func(n string) string { return strings.ReplaceAll(n, "\n", "\r\n") }), want: sigstore.ErrCheckpoint},
		{name: "checkpoint with a bad line of its own first", edit: note(func(n string) string {
			head, lines, _ := strings.Cut(n, "\n\n")
			bad := lines[:len("— rekor.example ")+8] + "AAAA" + lines[len("— rekor.example ")+12:]
			return head + "\n\n" + bad + lines
		}), want: sigstore.ErrCheckpointSignature},

		// The second log.
		{name: "no timestamp", edit: tiles(func(g *sigstoretest.Signing) {
			g.Bundle = func(b map[string]any) { delete(at(b, "verificationMaterial"), "timestampVerificationData") }
		}), want: sigstore.ErrNoTime},
		{name: "second log with a time", edit: tiles(func(g *sigstoretest.Signing) {
			g.Bundle = func(b map[string]any) { entryOf(b)["integratedTime"] = "1780000000" }
		}), want: sigstore.ErrLogEntry},
		{name: "second log with another index", edit: tiles(func(g *sigstoretest.Signing) {
			g.Bundle = func(b map[string]any) { entryOf(b)["logIndex"] = "4" }
		}), want: sigstore.ErrInclusionProof},
		{name: "second log, digest of the payload", edit: tiles(func(g *sigstoretest.Signing) {
			g.Body = func(b []byte) []byte { return bytes.Replace(b, []byte(`"digest":"`), []byte(`"digest":"AAAA`), 1) }
		}), want: sigstore.ErrLogEntryContent},
		{name: "second log, other key details", edit: tiles(func(g *sigstoretest.Signing) {
			g.Body = func(b []byte) []byte { return bytes.Replace(b, []byte("P256_SHA_256"), []byte("P384_SHA_384"), 1) }
		}), want: sigstore.ErrLogEntry},
		{name: "second log under the first's kind", edit: tiles(func(g *sigstoretest.Signing) {
			g.Bundle = func(b map[string]any) { at(entryOf(b), "kindVersion")["version"] = "0.0.1" }
		}), want: sigstore.ErrLogEntryKind},
		{name: "second log of the first's origin", edit: tiles(func(g *sigstoretest.Signing) {
			g.Checkpoint = func(c string) string { return strings.Replace(c, "tiles.example", "tiles.example - 1", 1) }
		}), want: sigstore.ErrCheckpointOrigin},

		// Timestamps.
		{name: "timestamp of another signature", edit: tiles(func(g *sigstoretest.Signing) {
			g.Stamp = func([]byte) []byte { return []byte("another") }
		}), want: sigstore.ErrTimestampContent},
		{name: "timestamp of the payload", edit: tiles(func(g *sigstoretest.Signing) { g.Stamp = func([]byte) []byte { return payload } }), want: sigstore.ErrTimestampContent},
		{name: "timestamp after the certificate", edit: tiles(func(g *sigstoretest.Signing) {
			g.TSTInfo = func(i *tspclient.TSTInfo) { i.GenTime = signedAt.Add(time.Hour) }
		}), want: sigstore.ErrChainTime},
		{name: "timestamp whose accuracy ends after the certificate", edit: tiles(func(g *sigstoretest.Signing) {
			g.TSTInfo = func(i *tspclient.TSTInfo) {
				i.GenTime = signedAt.Add(10 * time.Minute)
				i.Accuracy.Seconds = 1
			}
		}), want: sigstore.ErrChainTime},
		{name: "timestamp of an unknown authority", edit: func(s *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Tiles = true
			g.Bundle = func(b map[string]any) {
				var from map[string]any
				h := release()
				h.Tiles = true
				_ = json.Unmarshal(other.Sign(h), &from)
				at(b, "verificationMaterial")["timestampVerificationData"] = at(from, "verificationMaterial")["timestampVerificationData"]
			}
		}, want: sigstore.ErrTimestampSigner}, // of the same name and number
		{name: "authority of timestamps ended", edit: tiles(nil), root: tsa(long, before), want: sigstore.ErrTimestampTime},
		{name: "authority of timestamps ends now", edit: tiles(nil), root: tsa(long, now)},
		{name: "two timestamps asked for", edit: tiles(nil), opts: sigstore.Options{Timestamps: 2}, want: sigstore.ErrTooFewTimestamps},
		{name: "timestamp twice", edit: tiles(func(g *sigstoretest.Signing) {
			g.Bundle = func(b map[string]any) {
				d := at(b, "verificationMaterial", "timestampVerificationData")
				list := d["rfc3161Timestamps"].([]any)
				d["rfc3161Timestamps"] = append(list, list[0])
			}
		}), opts: sigstore.Options{Timestamps: 2}, want: sigstore.ErrTooFewTimestamps},
		{name: "first log outside, timestamp inside", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Timestamp = true
			g.Promise = func(p *sigstoretest.Promise) { p.IntegratedTime += 3600 }
			g.Bundle = func(b map[string]any) { entryOf(b)["integratedTime"] = "1780318800" }
		}, want: sigstore.ErrChainTime},

		// The envelope.
		{name: "other payload", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Statement = func(e map[string]any) { e["payload"] = append(bytes.Clone(payload), ' ') }
		}, want: sigstore.ErrLogEntryContent},
		{name: "other payload type", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Statement = func(e map[string]any) { e["payloadType"] = "application/json" }
		}, want: sigstore.ErrSignature},
		{name: "chain with a root", edit: bundle(func(b map[string]any) {
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
			m := at(b, "verificationMaterial")
			m["x509CertificateChain"] = map[string]any{"certificates": []any{m["certificate"], map[string]any{"rawBytes": other.Chain[1].Raw}}}
			delete(m, "certificate")
		})}, // which is not believed
		{name: "chain of a stranger", edit: bundle(func(b map[string]any) {
			b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
			m := at(b, "verificationMaterial")
			m["x509CertificateChain"] = map[string]any{"certificates": []any{m["certificate"], map[string]any{"rawBytes": other.Chain[0].Raw}}}
			delete(m, "certificate")
		})},
		{name: "chain in version 0.3", edit: bundle(func(b map[string]any) {
			m := at(b, "verificationMaterial")
			m["x509CertificateChain"] = map[string]any{"certificates": []any{m["certificate"]}}
			delete(m, "certificate")
		}), want: sigstore.ErrBundle},
		{name: "two signatures", edit: func(_ *sigstoretest.Instance, g *sigstoretest.Signing) {
			g.Statement = func(e map[string]any) {
				list := e["signatures"].([]any)
				e["signatures"] = append(list, list[0])
			}
		}, want: sigstore.ErrOverLimit},
		{name: "unknown version", edit: bundle(func(b map[string]any) { b["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json" }), want: sigstore.ErrVersion},
		{name: "unknown member", edit: bundle(func(b map[string]any) { b["extra"] = 1 }), want: sigstore.ErrBundle},
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { a.run(t) })
	}
}

func (a attack) run(t *testing.T) {
	s, g := sigstoretest.New(signedAt), release()
	if a.edit != nil {
		a.edit(s, &g)
	}
	data := s.Sign(g)
	opts := a.opts
	if opts.Now == nil {
		opts.Now = func() time.Time { return signedAt.AddDate(1, 0, 0) }
	}
	trust := sigstore.Entry{Name: "release", URI: sigstore.Exactly(workflow), Issuer: sigstore.Exactly(actions)}
	v := newVerifier(t, parseRoot(t, s.TrustedRoot(a.root)), &opts, trust)
	var err error
	if g.Payload != nil {
		_, err = v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
	} else {
		_, err = v.VerifyBlob(t.Context(), bytes.NewReader(g.Message), verify.Descriptor{Data: data})
	}
	if !errors.Is(err, a.want) {
		t.Errorf("%v, not %v", err, a.want)
	}
}

// below gives an instance an authority below its issuing one, which may have none.
func below(t *testing.T, s *sigstoretest.Instance, edit func(*x509.Certificate)) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, s.Authority("below", edit), s.Chain[0], key.Public(), s.ChainKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.Chain, s.ChainKey = append([]*x509.Certificate{c}, s.Chain...), key
}

// Bundles and roots of the corpus, and what becomes of them.
func FuzzVerify(f *testing.F) {
	files := unpack(f, corpus)
	root, err := sigstore.ParseRoot(files[production], nil)
	if err != nil {
		f.Fatal(err)
	}
	v, err := sigstore.New(root, []sigstore.Entry{anybody}, &sigstore.Options{Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}})
	if err != nil {
		f.Fatal(err)
	}
	for name, data := range files {
		if strings.Contains(name, "/bundle-verify/") && strings.HasSuffix(name, "bundle.sigstore.json") {
			f.Add(data)
		}
	}
	file := []byte("DO NOT MODIFY ME!\n\nthis is \"a.txt\", a sample input for sigstore-conformance's test suite\n")
	for name, data := range files {
		if strings.HasSuffix(name, "/a.txt") {
			file = data
		}
	}
	kinds := []error{verify.ErrFormat, verify.ErrMalformed, verify.ErrTampered, verify.ErrNotTrusted, verify.ErrSubject, verify.ErrType, verify.ErrLimit, verify.ErrNotYet}
	f.Fuzz(func(t *testing.T, data []byte) {
		att, err := v.VerifyBlob(t.Context(), bytes.NewReader(file), verify.Descriptor{Data: data})
		if err == nil {
			if len(att.Signers) != 1 || att.Kind != verify.Blob || att.Subject.Digest != digest.FromBytes(file) {
				t.Fatalf("%+v", att)
			}
			return
		}
		for _, k := range kinds {
			if errors.Is(err, k) {
				return
			}
		}
		t.Fatalf("an error of no kind: %v", err)
	})
}
