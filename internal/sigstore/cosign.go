package sigstore

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/strictjson"
)

// cosign's annotations of a signature or attestation that is a layer of its own (sigstore/cosign, specs/SIGNATURE_SPEC.md). Nobody
// signed them. There is a chain too, of which nothing is needed.
const (
	CertificateAnnotation = "dev.sigstore.cosign/certificate"
	bundleAnnotation      = "dev.sigstore.cosign/bundle"
	timestampAnnotation   = "dev.sigstore.cosign/rfc3161timestamp"
)

// ParseCosign reads what stands beside a signature in cosign's first formats: the log's promise, if there is one, and the timestamp.
func ParseCosign(annotations map[string]string) (entries []LogEntry, timestamps [][]byte, err error) {
	for _, name := range []string{bundleAnnotation, timestampAnnotation, CertificateAnnotation} {
		if n := len(annotations[name]); n > maxMaterial {
			return nil, nil, OverLimit.errorf("annotation %s of %d bytes", name, n)
		}
	}
	if text := annotations[bundleAnnotation]; text != "" {
		e, err := parsePromise([]byte(text))
		switch {
		case errors.Is(err, errNoPromise):
			return nil, nil, ProofMissing.errorf("annotation %s: %w", bundleAnnotation, errNoPromise)
		case err != nil:
			return nil, nil, EntryMalformed.errorf("annotation %s: %w", bundleAnnotation, err)
		}
		entries = append(entries, e)
	}
	if text := annotations[timestampAnnotation]; text != "" {
		r := strictjson.NewReader([]byte(text), strictjson.Limits{})
		var stamp []byte
		for f := r.Fields("SignedRFC3161Timestamp"); f.Next(); {
			stamp = base64Text(r)
		}
		if err := r.End(); err != nil {
			return nil, nil, TimestampMalformed.errorf("annotation %s: %w", timestampAnnotation, err)
		}
		timestamps = append(timestamps, stamp)
	}
	return entries, timestamps, nil
}

// errNoPromise is for what cosign 3.1.3 writes with a log of version 2, in its first formats.
var errNoPromise = errors.New("a log of version 2 promises nothing, and this format has no place for its proof: sign in bundles")

func parsePromise(text []byte) (e LogEntry, err error) {
	r := strictjson.NewReader(text, strictjson.Limits{})
	for f := r.Fields("SignedEntryTimestamp", "Payload"); f.Next(); {
		if f.Name == "SignedEntryTimestamp" {
			if r.Null() {
				r.Fail(errNoPromise)
			}
			e.Promise = base64Text(r)
			continue
		}
		for f := r.Fields("body", "integratedTime", "logIndex", "logID"); f.Next(); {
			switch f.Name {
			case "body":
				e.Body = base64Text(r)
			case "integratedTime":
				e.IntegratedTime = r.Int64()
			case "logIndex":
				e.Index = r.Int64()
			case "logID":
				id, err := hex.DecodeString(r.String())
				if err != nil && r.Err() == nil {
					r.Fail(fmt.Errorf("%w: logID is not hex", strictjson.ErrType))
				}
				e.LogID = id
			}
		}
	}
	if r.Err() == nil && (e.IntegratedTime <= 0 || e.Index < 0 || len(e.Body) == 0 || len(e.Promise) == 0) {
		r.Fail(fmt.Errorf("%w: SignedEntryTimestamp, body, integratedTime and logIndex", dsse.ErrMissing))
	}
	return e, r.End()
}

// ParseCosignSignature reads the signature of a layer.
func ParseCosignSignature(text string) ([]byte, error) {
	sig, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(sig) == 0 {
		return nil, BundleMalformed.errorf("no base64 signature in its annotation")
	}
	return sig, nil
}
