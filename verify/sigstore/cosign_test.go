package sigstore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
)

var firstFormats = []verify.Format{verify.DSSE, verify.SimpleSigning}

// Real attestations in image layouts, as cosign left them in 2022 and 2023: a layer, with certificate and promise beside it.
func TestLayouts(t *testing.T) {
	files := unpack(t, "testdata/slsa.tar.gz")
	root := parseRoot(t, unpack(t, corpus)[production])
	v := newVerifier(t, root, &sigstore.Options{Formats: firstFormats}, anybody)
	count := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var manifest struct {
			Layers []verify.Descriptor
		}
		if !strings.Contains(name, "/blobs/") || json.Unmarshal(files[name], &manifest) != nil {
			continue
		}
		for _, layer := range manifest.Layers {
			data := files[path.Dir(name)+"/"+layer.Digest.Encoded()]
			if layer.MediaType != envelopeType || data == nil {
				continue
			}
			layer.Data = data
			var env struct{ Payload []byte }
			if err := json.Unmarshal(data, &env); err != nil {
				t.Fatal(err)
			}
			var st struct {
				Subject []struct{ Digest map[string]string }
			}
			if err := json.Unmarshal(env.Payload, &st); err != nil {
				t.Fatal(err)
			}
			subject := verify.Descriptor{Digest: digest.Digest("sha256:" + st.Subject[0].Digest["sha256"])}
			att, err := v.Verify(t.Context(), subject, layer)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			count++
			if s := att.Signers[0]; s.TimeSource != verify.TimeLogged || s.Identity.Issuer != actions {
				t.Errorf("%s: %+v", name, s)
			}
			// A promise alone does not do where a proof is asked for.
			strict := newVerifier(t, root, &sigstore.Options{Formats: firstFormats, ProofAfter: time.Unix(1, 0)}, anybody)
			if _, err := strict.Verify(t.Context(), subject, layer); !errors.Is(err, sigstore.ErrNoProof) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	t.Logf("%d attestations", count)
	if count == 0 {
		t.Error("none")
	}
}

// first writes a bundle of the instance's as cosign's first formats have it: the layer, and annotations beside it.
func first(t *testing.T, bundle, layer []byte, mediaType string) verify.Descriptor {
	t.Helper()
	var b struct {
		MessageSignature     struct{ Signature []byte }
		VerificationMaterial struct {
			Certificate struct{ RawBytes []byte }
			TlogEntries []struct {
				LogIndex          json.Number `json:",string"`
				IntegratedTime    json.Number `json:",string"`
				LogID             struct{ KeyID []byte }
				InclusionPromise  struct{ SignedEntryTimestamp []byte }
				CanonicalizedBody []byte
			}
			TimestampVerificationData struct {
				RFC3161Timestamps []struct{ SignedTimestamp []byte }
			}
		}
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	m := b.VerificationMaterial
	e := m.TlogEntries[0]
	promise, err := json.Marshal(map[string]any{"SignedEntryTimestamp": e.InclusionPromise.SignedEntryTimestamp, "Payload": map[string]any{
		"body": e.CanonicalizedBody, "integratedTime": e.IntegratedTime, "logIndex": e.LogIndex,
		"logID": hex.EncodeToString(e.LogID.KeyID)}})
	if err != nil {
		t.Fatal(err)
	}
	a := map[string]string{
		"dev.sigstore.cosign/certificate":    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.Certificate.RawBytes})),
		"dev.sigstore.cosign/bundle":         string(promise),
		"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(b.MessageSignature.Signature),
	}
	if s := m.TimestampVerificationData.RFC3161Timestamps; len(s) > 0 {
		stamp, _ := json.Marshal(map[string]any{"SignedRFC3161Timestamp": s[0].SignedTimestamp})
		a["dev.sigstore.cosign/rfc3161timestamp"] = string(stamp)
	}
	return verify.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(layer), Size: int64(len(layer)), Data: layer, Annotations: a}
}

const simpleType = "application/vnd.dev.cosign.simplesigning.v1+json"

// Signatures in cosign's first format, and what can be wrong with them.
func TestFirstFormats(t *testing.T) {
	s := sigstoretest.New(signedAt)
	v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), &sigstore.Options{Formats: firstFormats}, acmeWorkflow)
	simple := []byte(`{"critical":{"identity":{"docker-reference":"registry.example/acme/app"},"image":{"docker-manifest-digest":"` +
		string(image) +
		`"},"type":"cosign container image signature"},"optional":null}`)
	g := release()
	g.Payload, g.Message, g.Timestamp = nil, simple, true
	good := first(t, s.Sign(g), simple, simpleType)
	again := first(t, s.Sign(g), simple, simpleType)

	// An attestation: the log is of the whole layer, and the timestamp of the layer or, since cosign 3, of the signature.
	attest := func(wrong bool, stamp func(sig, layer []byte) []byte) verify.Descriptor {
		var layer []byte
		g := release()
		g.Timestamp = true
		hash := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
		g.Statement = func(e map[string]any) { layer, _ = json.Marshal(e) }
		g.Body = func(body []byte) []byte {
			var doc map[string]any
			if err := json.Unmarshal(body, &doc); err != nil {
				t.Fatal(err)
			}
			at(doc, "spec", "envelopeHash")["value"] = hash(layer)
			if wrong {
				at(doc, "spec", "envelopeHash")["value"] = hash([]byte("another"))
			}
			out, _ := json.Marshal(doc)
			return out
		}
		g.Stamp = func(sig []byte) []byte { return stamp(sig, layer) }
		bundle := s.Sign(g)
		d := first(t, bundle, layer, envelopeType)
		delete(d.Annotations, "dev.cosignproject.cosign/signature")
		return d
	}
	ofLayer := func(_, layer []byte) []byte { return layer }
	ofSignature := func(sig, _ []byte) []byte { return sig }
	ofPayload := func(_, _ []byte) []byte { return release().Payload }
	for _, tt := range []struct {
		name string
		d    verify.Descriptor
		edit func(a map[string]string)
		want error
	}{
		{"signature", good, nil, nil},
		{"attestation", attest(false, ofLayer), nil, nil},
		{"attestation, timestamp of the signature", attest(false, ofSignature), nil, nil},
		{"attestation, timestamp of the payload", attest(false, ofPayload), nil, sigstore.ErrTimestampContent},
		{"attestation, log entry of another envelope", attest(true, ofLayer), nil, sigstore.ErrLogEntryContent},
		{"promise of a log of version 2", good, func(a map[string]string) {
			a["dev.sigstore.cosign/bundle"] = `{"SignedEntryTimestamp":null,"Payload":{"body":"e30=","integratedTime":0,"logIndex":1,` +
				`"logID":"00"}}`
		}, sigstore.ErrNoProof},
		{"no log entry", good, func(a map[string]string) { delete(a, "dev.sigstore.cosign/bundle") }, sigstore.ErrTooFewLogs},
		{"log entry of another signature", good, func(a map[string]string) {
			a["dev.sigstore.cosign/bundle"] = again.Annotations["dev.sigstore.cosign/bundle"]
		}, sigstore.ErrLogEntrySignature},
		{"timestamp of another signature", good, func(a map[string]string) {
			a["dev.sigstore.cosign/rfc3161timestamp"] = again.Annotations["dev.sigstore.cosign/rfc3161timestamp"]
		}, sigstore.ErrTimestampContent},
		{"certificate of another signature", good, func(a map[string]string) {
			a["dev.sigstore.cosign/certificate"] = again.Annotations["dev.sigstore.cosign/certificate"]
		}, sigstore.ErrLogEntryKey},
		{"bare key in place of the certificate", good, func(a map[string]string) {
			block, _ := pem.Decode([]byte(a["dev.sigstore.cosign/certificate"]))
			a["dev.sigstore.cosign/certificate"] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: block.Bytes}))
		}, sigstore.ErrKeyForCertificate},
		{"two certificates", good, func(a map[string]string) {
			a["dev.sigstore.cosign/certificate"] += again.Annotations["dev.sigstore.cosign/certificate"]
		},
			sigstore.ErrCertificate},
		{"no certificate", good, func(a map[string]string) { delete(a, "dev.sigstore.cosign/certificate") }, verify.ErrFormat},
		{"chain of somebody else", good, func(a map[string]string) { a["dev.sigstore.cosign/chain"] = "nonsense" }, nil},
		{"promise with another member", good, func(a map[string]string) {
			a["dev.sigstore.cosign/bundle"] = strings.Replace(a["dev.sigstore.cosign/bundle"], `"Payload":{`, `"Payload":{"x":1,`, 1)
		}, sigstore.ErrLogEntry},
		{"promise twice", good, func(a map[string]string) {
			a["dev.sigstore.cosign/bundle"] = strings.Replace(a["dev.sigstore.cosign/bundle"], `"Payload":{`, `"Payload":{},"Payload":{`, 1)
		}, sigstore.ErrLogEntry},
		{"promise with another time", good, func(a map[string]string) {
			a["dev.sigstore.cosign/bundle"] = strings.Replace(a["dev.sigstore.cosign/bundle"], `"integratedTime":1780315200`,
				`"integratedTime":1780315201`, 1)
		}, sigstore.ErrPromise},
		{"signature that is none", good, func(a map[string]string) { a["dev.cosignproject.cosign/signature"] = "x" }, verify.ErrMalformed},
	} {
		d := tt.d
		d.Annotations = maps.Clone(d.Annotations)
		if tt.edit != nil {
			tt.edit(d.Annotations)
		}
		att, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, d)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, not %v", tt.name, err, tt.want)
		}
		if err == nil && (att.Kind == verify.ImageSignature) != (d.MediaType == simpleType) {
			t.Errorf("%s: %v", tt.name, att.Kind)
		}
	}
	if _, err := v.Verify(t.Context(), verify.Descriptor{Digest: digest.FromString("another")}, good); !errors.Is(err, verify.ErrSubject) {
		t.Errorf("another image: %v", err)
	}
	bundles := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), nil, acmeWorkflow)
	if _, err := bundles.Verify(t.Context(), verify.Descriptor{Digest: image}, good); !errors.Is(err, verify.ErrFormat) {
		t.Errorf("a format that was not asked for: %v", err)
	}
}

var acmeWorkflow = sigstore.Entry{Name: "release", URI: sigstore.Exactly(workflow), Issuer: sigstore.Exactly(actions)}
