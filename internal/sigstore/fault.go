package sigstore

import "fmt"

// A Fault is one reason to refuse evidence. It is an error, for errors.Is; what is returned says more about the case.
type Fault uint8

// The faults. Package verify/sigstore tells which kind of refusal each is.
const (
	_                    Fault = iota
	BundleMalformed            // not a bundle as the format has it
	BundleVersion              // a media type that is not read
	OverLimit                  // more or larger than is read
	CertificateMalformed       // not one certificate
	CertificateIsKey           // a bare public key where a certificate belongs
	CertificateProfile         // a CA, another key usage or extended key usage, a subject
	SANMalformed               // not exactly one name of a known kind
	ClaimMalformed             // an extension of Fulcio's in another encoding
	IssuersDisagree            // the two issuer extensions differ
	ChainUntrusted             // no trusted authority issued the certificate
	ChainTime                  // a certificate or authority is not valid at a proven time
	SCTMalformed               // a list of signed certificate timestamps with another encoding
	SCTMissing                 // too few certificate transparency logs vouch for the certificate
	SCTSignature               // forged, or of another certificate
	SCTTime                    // outside the validity of the log's key or of the certificate
	LogMissing                 // too few logs have the signature
	LogUnknown                 // an entry of a log that is not in the trusted root
	LogTime                    // the log's key was not valid then
	PromiseSignature           // the signed entry timestamp does not verify
	ProofMissing               // neither promise nor proof, or no proof where one is asked for
	ProofInvalid               // the inclusion proof does not lead to the checkpoint's root
	CheckpointMalformed        // not a signed note with a checkpoint
	CheckpointOrigin           // a checkpoint of another log
	CheckpointSignature        // not signed by the log
	EntryMalformed             // the entry's body is not what its kind has, or the kind is not read
	EntryKind                  // a kind of entry that does not belong to the log or the content
	EntrySignature             // an entry of another signature
	EntryKey                   // an entry of another certificate or key
	EntryContent               // an entry of another artifact or envelope
	TimestampMalformed         // not an RFC 3161 response that grants a token
	TimestampContent           // a timestamp of other bytes
	TimestampSignature         // the token does not verify
	TimestampSigner            // the token's signer may not sign timestamps
	TimestampTime              // outside the validity of the authority
	TimestampMissing           // too few authorities stamped the signature
	TimeMissing                // nothing proves when the signature was made
	TimeFuture                 // a proven time that lies in the future
	KeyTime                    // the key was not trusted at a proven time
	KeyAlgorithm               // a key that is not used, or not in this way
	SignatureInvalid           // the signature does not verify over the content
	DigestMismatch             // the bundle's digest is of another artifact
	IdentityUnknown            // who signed is in no entry of the trust list
)

var faultTexts = [...]string{
	BundleMalformed:      "not a Sigstore bundle as the format has it",
	BundleVersion:        "not a Sigstore bundle of a known version",
	OverLimit:            "over a limit",
	CertificateMalformed: "malformed certificate",
	CertificateIsKey:     "a public key where a certificate belongs",
	CertificateProfile:   "not a certificate for signing code",
	SANMalformed:         "not one subject alternative name",
	ClaimMalformed:       "malformed extension of the certificate",
	IssuersDisagree:      "the certificate names two issuers",
	ChainUntrusted:       "no trusted authority issued the certificate",
	ChainTime:            "not valid at the time of the signature",
	SCTMalformed:         "malformed signed certificate timestamps",
	SCTMissing:           "too few signed certificate timestamps",
	SCTSignature:         "a signed certificate timestamp does not verify",
	SCTTime:              "signed certificate timestamp at an impossible time",
	LogMissing:           "too few log entries",
	LogUnknown:           "entry of an unknown log",
	LogTime:              "the log's key was not valid then",
	PromiseSignature:     "the log's promise does not verify",
	ProofMissing:         "the log entry has no proof of inclusion",
	ProofInvalid:         "the proof of inclusion does not verify",
	CheckpointMalformed:  "malformed checkpoint",
	CheckpointOrigin:     "checkpoint of another log",
	CheckpointSignature:  "the checkpoint is not signed by the log",
	EntryMalformed:       "malformed log entry",
	EntryKind:            "a log entry of the wrong kind",
	EntrySignature:       "the log entry is of another signature",
	EntryKey:             "the log entry is of another certificate or key",
	EntryContent:         "the log entry is of other content",
	TimestampMalformed:   "malformed timestamp",
	TimestampContent:     "the timestamp is of another signature",
	TimestampSignature:   "the timestamp does not verify",
	TimestampSigner:      "the timestamp's signer may not sign timestamps",
	TimestampTime:        "the timestamp's authority was not valid then",
	TimestampMissing:     "too few timestamps",
	TimeMissing:          "nothing proves when it was signed",
	TimeFuture:           "signed in the future",
	KeyTime:              "the key was not trusted at the time of the signature",
	KeyAlgorithm:         "a key that is not used",
	SignatureInvalid:     "the signature does not verify",
	DigestMismatch:       "digest of another artifact",
	IdentityUnknown:      "the signer is in no entry of the trust list",
}

func (f Fault) Error() string { return faultTexts[min(int(f), len(faultTexts)-1)] }

// errorf returns an error that is f, and says more. %w keeps a cause.
func (f Fault) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", f, fmt.Errorf(format, args...))
}
