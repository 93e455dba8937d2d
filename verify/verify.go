package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Descriptor names content; with Data it is content. Alias of the OCI image specification's type.
type Descriptor = ocispec.Descriptor

// Why a candidate is refused, for errors.Is. Every error of a [Verifier] is one of these.
var (
	ErrFormat     = errors.New("not in a format that this verifier reads") // "not mine": Collect tries the next Verifier
	ErrMalformed  = errors.New("malformed evidence")                       // the right format, but broken or ambiguous
	ErrTampered   = errors.New("signature does not match the content")     // by a trusted signer's own word
	ErrNotTrusted = errors.New("signer is not trusted")
	ErrSubject    = errors.New("evidence is about another subject")
	ErrType       = errors.New("evidence is of the wrong type")
	ErrExpired    = errors.New("evidence has expired")
	ErrNotYet     = errors.New("evidence is not valid yet")
	ErrRevoked    = errors.New("signer was revoked")
	ErrLimit      = errors.New("evidence is over a limit")
	ErrUnchecked  = errors.New("a required check could not be made") // the network, not the evidence
	// ErrUnreadable is beside another of these: a trusted signer did sign it, so nobody can tell that it is not what is looked for.
	ErrUnreadable = errors.New("what a trusted signer signed cannot be read")
)

// A Source gives the candidates about a subject: whatever somebody stored there, unverified. Each candidate is one
// envelope with its Data filled in.
//
// An error beside a Descriptor concerns that candidate, and iteration goes on. An error beside a zero Descriptor ends
// it: not all came. So does a sequence that is nil.
type Source interface {
	Evidence(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error]
}

// SourceFunc makes a function a Source.
type SourceFunc func(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error]

// Evidence calls f.
func (f SourceFunc) Evidence(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	if f == nil {
		return nil
	}
	return f(ctx, subject)
}

// A Verifier proves one candidate. It returns an Attestation that satisfies every promise of that type, or an error:
// one that wraps [ErrFormat] if the candidate is in a format that it does not read, and one that says why otherwise.
//
// Implementations are safe for concurrent use and keep nothing of evidence.Data but views of it.
type Verifier interface {
	Verify(ctx context.Context, subject, evidence Descriptor) (*Attestation, error)
}

// A Kind is what an Attestation is good for. One kind never stands in for another.
type Kind uint8

const (
	_              Kind = iota // the zero Kind is invalid
	ImageSignature             // "this image is ours", and nothing more
	Statement                  // a predicate about the subject
	Blob                       // a file's signature; never satisfies a requirement on an image
)

// String is the kind in words.
func (k Kind) String() string {
	text, _ := k.MarshalText()
	return cmp.Or(string(text), "invalid")
}

// An Attestation is what was proven: who said what about the subject, when, and by whose word. Only a [Verifier] makes one.
type Attestation struct {
	Kind          Kind
	Subject       Descriptor        // its Digest; MediaType and Size where they were signed or measured, and nothing else
	Name          string            // of the subject, signed; often empty
	Annotations   map[string]string // of the subject: signed ones only, and of these the ones that are strings
	PredicateType string            // never empty when Kind is Statement
	Predicate     json.RawMessage   // as signed, byte for byte; nil if there is none
	Signers       []Signer          // at least one, distinct by Identity and by Entries
	Evidence      Descriptor        // the candidate, without Data; nobody signed its annotations
	Checks        []Check           // every check made, in order
}

// A Signer is one proven signer of an Attestation. Signers that have an Identity, a Key or one of Entries in common are
// one signer: a workflow has another Identity at each tag and another Key at each run, but matches one entry.
type Signer struct {
	Identity Identity `json:"identity"`
	// Key is the lower-case hex SHA-256 of the signing key's DER SubjectPublicKeyInfo; empty if there is none.
	Key string `json:"key,omitempty"`
	// Entries are names of the entries of the Verifier's trust list that it matched; nil if it has no such list.
	Entries []string `json:"entries,omitempty"`
	// Claims are what else is proven of it, by the names of package verify/sigstore; nil if nothing is.
	Claims     map[string]string `json:"claims,omitempty"`
	SignedAt   time.Time         `json:"signedAt,omitzero"` // zero when TimeSource is TimeUnknown
	TimeSource TimeSource        `json:"timeSource,omitzero"`
	// Accuracy is how much later than SignedAt it may have been, as a timestamp states it: see Latest.
	Accuracy time.Duration `json:"accuracy,omitempty"`

	// Name is what the trust list calls the signer, for people: nothing is decided by it. Often empty.
	Name string `json:"name,omitempty"`
	// Until is the first moment at which this signer may no longer count though the evidence stays as it is: its key or
	// certificate ends, the signature expires, what was found out of revocation gets old. Zero means that there is none.
	Until time.Time `json:"until,omitzero"`
}

// String returns the signer for people: its name, and who it is.
func (s Signer) String() string {
	if s.Name == "" {
		return s.Identity.String()
	}
	return s.Name + " (" + s.Identity.String() + ")"
}

// Same reports whether two signers are one.
func (s Signer) Same(t Signer) bool {
	return s.Identity == t.Identity || s.Key != "" && s.Key == t.Key || shareEntry(s, t)
}

func shareEntry(s, t Signer) bool {
	return slices.ContainsFunc(s.Entries, func(e string) bool { return slices.Contains(t.Entries, e) })
}

// An IdentityKind says what an Identity rests on.
type IdentityKind uint8

const (
	_                   IdentityKind = iota // the zero IdentityKind is invalid
	KeyIdentity                             // a public key that the caller named
	CertificateIdentity                     // an X.509 certificate that chains to a root that the caller named
	OIDCIdentity                            // an account or workload at an identity provider, for which a trusted Sigstore instance vouches
)

// An Identity is a signer as the Verifier proved it. It is comparable: two signatures are by the same signer exactly
// when their Identities are equal, whatever names the evidence uses.
type Identity struct {
	Kind IdentityKind `json:"kind"`
	// Key of a KeyIdentity: lower-case hex SHA-256 of the key's DER SubjectPublicKeyInfo.
	Key string `json:"key,omitempty"`
	// Subject of a CertificateIdentity: what was matched, e.g. an RFC 4514 name, an AWS Signer profile ARN. Of an OIDCIdentity: the SAN.
	Subject string `json:"subject,omitempty"`
	// Issuer of a CertificateIdentity: who vouches for Subject, e.g. the root's RFC 4514 name. Of an OIDCIdentity: the provider's URL.
	Issuer string `json:"issuer,omitempty"`
	// IssuerKey tells issuers of one name apart, for anybody may give a root the name of another. CertificateIdentity:
	// lower-case hex SHA-256 of the DER SubjectPublicKeyInfo of the certificate that is trusted.
	IssuerKey string `json:"issuerKey,omitempty"`
}

// Validate returns an error, which says why, for an Identity that no Verifier may return and so nothing matches: one that
// names nobody, a hash that is spelled in another way, a member of another kind.
func (id Identity) Validate() error {
	switch id.Kind {
	case KeyIdentity:
		switch {
		case !isSHA256(id.Key):
			return fmt.Errorf("verify: a key identity with Key %.80q, which is not a SHA-256 in 64 digits of lower-case hex", id.Key)
		case id.Subject+id.Issuer+id.IssuerKey != "":
			return errors.New("verify: a key identity has no Subject and no issuer")
		}
	case CertificateIdentity, OIDCIdentity:
		switch {
		case id.Subject == "":
			return errors.New("verify: a certificate's identity without Subject")
		case !isPlain(id.Subject) || !isPlain(id.Issuer):
			return fmt.Errorf("verify: an identity with control characters, or not UTF-8: %.80q, %.80q", id.Subject, id.Issuer)
		case id.Key != "":
			return errors.New("verify: a certificate's identity has no Key: see IssuerKey, and Signer.Key")
		case id.IssuerKey != "" && !isSHA256(id.IssuerKey):
			return fmt.Errorf("verify: an identity with IssuerKey %.80q, which is not a SHA-256 in 64 digits of lower-case hex",
				id.IssuerKey)
		}
	default:
		return fmt.Errorf("verify: an identity of unknown kind %d", id.Kind)
	}
	return nil
}

func isSHA256(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

func isPlain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// String returns the identity for people, such as "key sha256:5f70bf18a086..." or the subject and its issuer.
func (id Identity) String() string {
	switch id.Kind {
	case KeyIdentity:
		return "key sha256:" + id.Key[:min(12, len(id.Key))]
	case CertificateIdentity, OIDCIdentity:
		by := id.Issuer
		if id.IssuerKey != "" {
			by = strings.TrimPrefix(by+", key sha256:"+id.IssuerKey[:min(12, len(id.IssuerKey))], ", ")
		}
		if by != "" {
			return id.Subject + " (by " + by + ")"
		}
		return id.Subject
	}
	return "nobody"
}

// A TimeSource says whose word a signing time is. The sources are ordered by how far they can be believed.
type TimeSource uint8

const (
	TimeUnknown   TimeSource = iota // no time
	TimeClaimed                     // the signer's own word
	TimeAuthority                   // a signing service that the caller trusts for it (AWS Signer)
	TimeStamped                     // an RFC 3161 timestamp
	TimeLogged                      // a transparency log
)

// String says who stands for the time.
func (s TimeSource) String() string {
	return timeWords[min(int(s), len(timeWords)-1)]
}

// A Check is one thing that a Verifier looked at.
type Check struct {
	Name   string // such as "signature", "subject", "expiry", "revocation"
	Status CheckStatus
	Reason string // what was found; why, if it was not checked
}

// A CheckStatus is how a check ended. A failed check is an error of Verify, not a status.
type CheckStatus uint8

const (
	NotChecked CheckStatus = iota // by the caller's leave: Reason says which
	Passed                        // and what was found is in Reason
)

// String is "passed" or "not checked".
func (s CheckStatus) String() string {
	if s == Passed {
		return "passed"
	}
	return "not checked"
}

// A RejectedError is a candidate that proved nothing, and why.
type RejectedError struct {
	Evidence Descriptor // without Data
	Err      error
}

// Error names the evidence, and why it proved nothing.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("evidence %s: %v", short(e.Evidence), e.Err)
}

// Unwrap is why.
func (e *RejectedError) Unwrap() error { return e.Err }

func short(d Descriptor) string {
	if d.Digest == "" {
		return "without digest"
	}
	return string(d.Digest[:min(len("sha256:")+12, len(d.Digest))])
}

// A Report is all that is known of a subject: what was proven, what was refused, and what could not be looked at. What
// could not be looked at is never "nothing there".
type Report struct {
	Subject      Descriptor
	Attestations []*Attestation
	Rejected     []*RejectedError // candidates that were looked at and prove nothing
	Incomplete   []error          // errors of the source, and candidates that did not arrive as *RejectedError
}
