package keyless

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/sigstore"
)

// A record is a signature to be logged.
type record struct {
	bundle    *sigstore.Bundle
	signature []byte
	digest    []byte // of what is signed, by hash
	hash      crypto.Hash
	verifier  []byte // certificate or public key, DER
	key       crypto.PublicKey
}

// entriesFirst is where a log of the first generation has its entries.
const entriesFirst = "/api/v1/log/entries"

var errExists = errors.New("the log has an equal entry, and does not give it out")

// log has a log take a record and returns its entry, which is verified with the signature.
func (c caller) log(ctx context.Context, s service, r *record) (*sigstore.LogEntry, error) {
	ask := c.logFirst
	if s.Version == 2 {
		ask = c.logTiled
	}
	e, err := ask(ctx, s, r)
	if err != nil && !errors.Is(err, ErrLog) {
		err = fmt.Errorf("keyless: %w: %w", ErrLog, err)
	}
	return e, err
}

func (r *record) pem() []byte {
	kind := "PUBLIC KEY"
	if r.bundle.Certificate != nil {
		kind = "CERTIFICATE"
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: r.verifier})
}

// logFirst speaks to a log of the first generation (sigstore/rekor, openapi.yaml): dsse 0.0.1 for envelopes, hashedrekord 0.0.1 for
// messages.
func (c caller) logFirst(ctx context.Context, s service, r *record) (*sigstore.LogEntry, error) {
	type m = map[string]any
	proposal := m{"apiVersion": "0.0.1", "kind": "dsse", "spec": m{"proposedContent": m{"verifiers": [][]byte{r.pem()}}}}
	if r.bundle.Envelope != nil {
		proposal["spec"].(m)["proposedContent"].(m)["envelope"] = string(r.bundle.Envelope.Append(nil))
	} else {
		names := map[crypto.Hash]string{crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}
		if names[r.hash] == "" {
			return nil, unloggable(r.key, s)
		}
		proposal["kind"] = "hashedrekord"
		proposal["spec"] = m{"data": m{"hash": m{"algorithm": names[r.hash], "value": hex.EncodeToString(r.digest)}},
			"signature": m{"content": r.signature, "publicKey": m{"content": r.pem()}}}
	}
	body, err := json.Marshal(proposal)
	if err != nil {
		return nil, err
	}
	address := s.at(entriesFirst)
	a, err := c.ask(ctx, "rekor", http.MethodPost, address, "application/json", "", body, http.StatusConflict)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusConflict { // the answer to an earlier try was lost: the entry is there
		if address, err = sameHost(address, a.header.Get("Location")); err != nil {
			return nil, err
		}
		if a, err = c.ask(ctx, "rekor", http.MethodGet, address, "", "", nil); err != nil {
			return nil, err
		}
	}
	e, err := readFirst(a.body)
	if err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", s.URL, err)
	}
	return e, nil
}

// sameHost resolves where an entry is, which is at the log that has it.
func sameHost(base, location string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(location)
	if err != nil || location == "" || u.Host != b.Host || u.Scheme != b.Scheme {
		return "", fmt.Errorf("%w: it is said to be at %.200q", errExists, location)
	}
	// The log may lie below a path of its own, which it does not know.
	if own := strings.TrimSuffix(b.Path, entriesFirst); strings.HasPrefix(location, "/") && !strings.HasPrefix(u.Path, own) {
		u.Path = own + u.Path
	}
	return u.String(), nil
}

// readFirst reads the answer of a log of the first generation: one entry by its identifier. Digests are hexadecimal there, and bytes in
// bundles.
func readFirst(data []byte) (*sigstore.LogEntry, error) {
	var answer map[string]struct {
		Body           []byte `json:"body"`
		IntegratedTime int64  `json:"integratedTime"`
		LogID          string `json:"logID"`
		LogIndex       int64  `json:"logIndex"`
		Verification   struct {
			Promise []byte `json:"signedEntryTimestamp"`
			Proof   *struct {
				Checkpoint string   `json:"checkpoint"`
				Hashes     []string `json:"hashes"`
				Index      int64    `json:"logIndex"`
				Root       string   `json:"rootHash"`
				Size       int64    `json:"treeSize"`
			} `json:"inclusionProof"`
		} `json:"verification"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	if len(answer) != 1 {
		return nil, fmt.Errorf("%d entries", len(answer))
	}
	for _, a := range answer {
		var kind struct {
			Kind       string `json:"kind"`
			APIVersion string `json:"apiVersion"`
		}
		if err := json.Unmarshal(a.Body, &kind); err != nil {
			return nil, fmt.Errorf("its body: %w", err)
		}
		e := &sigstore.LogEntry{Index: a.LogIndex, Kind: kind.Kind, Version: kind.APIVersion, IntegratedTime: a.IntegratedTime,
			Promise: a.Verification.Promise, Body: a.Body}
		var err error
		if e.LogID, err = hex.DecodeString(a.LogID); err != nil {
			return nil, fmt.Errorf("logID: %w", err)
		}
		p := a.Verification.Proof
		if p == nil {
			return nil, errors.New("no inclusion proof")
		}
		e.Proof = &sigstore.InclusionProof{Index: p.Index, Size: p.Size, Checkpoint: p.Checkpoint}
		if e.Proof.Root, err = hex.DecodeString(p.Root); err != nil {
			return nil, fmt.Errorf("rootHash: %w", err)
		}
		for _, h := range p.Hashes {
			hash, err := hex.DecodeString(h)
			if err != nil {
				return nil, fmt.Errorf("hashes: %w", err)
			}
			e.Proof.Hashes = append(e.Proof.Hashes, hash)
		}
		return e, nil
	}
	return nil, errors.New("no entry")
}

// logTiled speaks to a log of the second generation (sigstore/rekor-tiles, rekor_service.proto): hashedrekord 0.0.2 for all. It
// answers when the entry is in the tree, which takes seconds.
func (c caller) logTiled(ctx context.Context, s service, r *record) (*sigstore.LogEntry, error) {
	details := keyDetails(r.key)
	if details == "" || r.hash == 0 {
		return nil, unloggable(r.key, s)
	}
	type raw struct {
		RawBytes []byte `json:"rawBytes"`
	}
	member := "publicKey"
	if r.bundle.Certificate != nil {
		member = "x509Certificate"
	}
	type m = map[string]any
	body, err := json.Marshal(m{"hashedRekordRequestV002": m{"digest": r.digest,
		"signature": m{"content": r.signature, "verifier": m{member: raw{r.verifier}, "keyDetails": details}}}})
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, "rekor", http.MethodPost, s.at("/api/v2/log/entries"), "application/json", "", body, http.StatusConflict)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusConflict:
		return nil, fmt.Errorf("%w: sign again", errExists)
	}
	e, err := parseEntry(a.body)
	if err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", s.URL, err)
	}
	return e, nil
}

// keyDetails names a key and how it signs, as protobuf-specs does (sigstore_common.proto, PublicKeyDetails); empty for what logs do not
// take.
func keyDetails(key crypto.PublicKey) string {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return map[int]string{256: "PKIX_ECDSA_P256_SHA_256", 384: "PKIX_ECDSA_P384_SHA_384",
			521: "PKIX_ECDSA_P521_SHA_512"}[key.Curve.Params().BitSize]
	case *rsa.PublicKey:
		return map[int]string{2048: "PKIX_RSA_PKCS1V15_2048_SHA256", 3072: "PKIX_RSA_PKCS1V15_3072_SHA256",
			4096: "PKIX_RSA_PKCS1V15_4096_SHA256"}[key.N.BitLen()]
	}
	return ""
}

func unloggable(key crypto.PublicKey, s service) error {
	what := fmt.Sprintf("keys of type %T", key)
	if _, ok := key.(ed25519.PublicKey); ok {
		what = "signatures by Ed25519 of whole messages"
	}
	return fmt.Errorf("keyless: %w: the log at %s takes no %s: sign with ECDSA or RSA by its default scheme", ErrLog, s.URL, what)
}

// schemeOf is how a key signs what is witnessed: by the default of its type.
func schemeOf(key crypto.PublicKey) (scheme.Scheme, error) {
	list, err := scheme.Choose(key, scheme.Default)
	if err != nil {
		return 0, err
	}
	return list[0], nil
}
