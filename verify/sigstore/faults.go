package sigstore

import (
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/sigstore"
	"github.com/ladingdev/lading/verify"
)

// A Fault says more exactly than the errors of package verify why evidence is refused. It is an error, for errors.Is.
type Fault = sigstore.Fault

// The faults, each below the error of package verify that it is one of.
const (
	// verify.ErrMalformed
	ErrBundle            = sigstore.BundleMalformed
	ErrVersion           = sigstore.BundleVersion
	ErrCertificate       = sigstore.CertificateMalformed
	ErrKeyForCertificate = sigstore.CertificateIsKey
	ErrSAN               = sigstore.SANMalformed
	ErrClaim             = sigstore.ClaimMalformed
	ErrIssuersDisagree   = sigstore.IssuersDisagree
	ErrSCT               = sigstore.SCTMalformed
	ErrCheckpoint        = sigstore.CheckpointMalformed
	ErrLogEntry          = sigstore.EntryMalformed
	ErrLogEntryKind      = sigstore.EntryKind
	ErrTimestamp         = sigstore.TimestampMalformed
	// verify.ErrLimit
	ErrOverLimit = sigstore.OverLimit
	// verify.ErrTampered
	ErrSignature           = sigstore.SignatureInvalid
	ErrDigest              = sigstore.DigestMismatch
	ErrSCTSignature        = sigstore.SCTSignature
	ErrPromise             = sigstore.PromiseSignature
	ErrInclusionProof      = sigstore.ProofInvalid
	ErrCheckpointOrigin    = sigstore.CheckpointOrigin
	ErrCheckpointSignature = sigstore.CheckpointSignature
	ErrLogEntrySignature   = sigstore.EntrySignature
	ErrLogEntryKey         = sigstore.EntryKey
	ErrLogEntryContent     = sigstore.EntryContent
	ErrTimestampContent    = sigstore.TimestampContent
	ErrTimestampSignature  = sigstore.TimestampSignature
	// verify.ErrNotTrusted
	ErrIdentity           = sigstore.IdentityUnknown
	ErrCertificateProfile = sigstore.CertificateProfile
	ErrChain              = sigstore.ChainUntrusted
	ErrChainTime          = sigstore.ChainTime
	ErrKeyTime            = sigstore.KeyTime
	ErrKeyAlgorithm       = sigstore.KeyAlgorithm
	ErrTooFewSCTs         = sigstore.SCTMissing
	ErrSCTTime            = sigstore.SCTTime
	ErrTooFewLogs         = sigstore.LogMissing
	ErrUnknownLog         = sigstore.LogUnknown
	ErrLogTime            = sigstore.LogTime
	ErrNoProof            = sigstore.ProofMissing
	ErrTooFewTimestamps   = sigstore.TimestampMissing
	ErrTimestampSigner    = sigstore.TimestampSigner
	ErrTimestampTime      = sigstore.TimestampTime
	ErrNoTime             = sigstore.TimeMissing
	// verify.ErrNotYet
	ErrFuture = sigstore.TimeFuture
)

var kinds = map[error][]Fault{
	verify.ErrMalformed: {ErrBundle, ErrVersion, ErrCertificate, ErrKeyForCertificate, ErrSAN, ErrClaim, ErrIssuersDisagree, ErrSCT,
		ErrCheckpoint, ErrLogEntry, ErrLogEntryKind, ErrTimestamp},
	verify.ErrLimit: {ErrOverLimit},
	verify.ErrTampered: {ErrSignature, ErrDigest, ErrSCTSignature, ErrPromise, ErrInclusionProof, ErrCheckpointOrigin,
		ErrCheckpointSignature, ErrLogEntrySignature, ErrLogEntryKey, ErrLogEntryContent, ErrTimestampContent, ErrTimestampSignature},
	verify.ErrNotYet: {ErrFuture},
}

// kindOf is the error of package verify that a fault is one of.
var kindOf = func() map[Fault]error {
	out := make(map[Fault]error)
	for kind, faults := range kinds {
		for _, f := range faults {
			out[f] = kind
		}
	}
	return out
}()

// refusal gives an error its kind.
func refusal(err error) error {
	var f Fault
	if !errors.As(err, &f) {
		return fmt.Errorf("%w: %w", verify.ErrMalformed, err)
	}
	kind, ok := kindOf[f]
	if !ok {
		kind = verify.ErrNotTrusted
	}
	return fmt.Errorf("%w: %w", kind, err)
}
