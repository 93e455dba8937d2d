package awssigner

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/ladingdev/lading/internal/awsarn"
	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/notation/writing"
	"github.com/ladingdev/lading/sign"
	"github.com/opencontainers/go-digest"
)

// Errors of this package, for errors.Is. Those of [sign], ErrStatement, ErrThrottled and ErrDenied, are used too.
var (
	// ErrProfile says that the ARN is not one of a signing profile, or that the service does not sign with this profile:
	// there is none, it was cancelled or revoked, or it is not for container images.
	ErrProfile = errors.New("signing profile cannot be used")

	// ErrReply says that the service returned something else than a signature of this profile on what was asked: it is not
	// used, whatever it is.
	ErrReply = errors.New("AWS Signer returned something other than was asked for")
)

// Client is what is used of github.com/aws/aws-sdk-go-v2/service/signer, whose Client it is.
type Client interface {
	SignPayload(context.Context, *signer.SignPayloadInput, ...func(*signer.Options)) (*signer.SignPayloadOutput, error)
}

// A Signer signs with one signing profile. [New] makes it.
type Signer struct {
	client  Client
	profile awsarn.Profile
}

var _ sign.Signer = (*Signer)(nil)

// New returns a Signer that signs with the profile of this ARN, always with its newest version: an ARN of one version is
// refused, since the service takes none. Errors are [ErrProfile]. No call is made.
func New(client Client, profileARN string) (*Signer, error) {
	if client == nil {
		return nil, errors.New("awssigner: no client: give it signer.NewFromConfig(cfg) of the AWS SDK")
	}
	p, err := awsarn.ParseProfile(profileARN)
	if err == nil && p.Version != "" {
		err = errors.New("signing is with a profile, not with a version of it: leave out the last part")
	}
	if err != nil {
		return nil, fmt.Errorf("awssigner: %w: %.128q: %w", ErrProfile, profileARN, err)
	}
	return &Signer{client, p}, nil
}

// Limits of what goes there (API reference of SignPayload) and of what is taken back.
const (
	maxPayload  = 4096
	maxMetadata = 8 << 10
)

const jwsType = "application/jose+json"

// Sign has the descriptor of the one subject signed; media type, digest and size are required. The subject's Annotations
// are signed with it, what notation calls user metadata. Annotations of the evidence are the certificates' thumbprints and
// what the service says of the job. The call ends after a minute, its retries included, or earlier by ctx.
//
// Errors are [sign.ErrStatement], [sign.ErrThrottled], [sign.ErrDenied], [ErrProfile], [ErrReply], and others of the client,
// all with what the client said beneath.
func (s *Signer) Sign(ctx context.Context, st *sign.Statement) (sign.Descriptor, error) {
	sent, payload, err := encode(st)
	if err != nil {
		return sign.Descriptor{}, fmt.Errorf("awssigner: %w: %w", sign.ErrStatement, err)
	}
	calling, cancel := context.WithTimeout(ctx, time.Minute) // the SDK by itself waits for ever
	defer cancel()
	out, err := s.client.SignPayload(calling, &signer.SignPayloadInput{
		Payload:       payload,
		PayloadFormat: aws.String(notation.PayloadType),
		ProfileName:   aws.String(s.profile.Name),
		ProfileOwner:  aws.String(s.profile.Account),
	}, func(o *signer.Options) { o.Region = s.profile.Region })
	if err != nil {
		return sign.Descriptor{}, fmt.Errorf("awssigner: %w", kind(err))
	}
	if out == nil {
		return sign.Descriptor{}, fmt.Errorf("awssigner: %w: no answer", ErrReply)
	}
	chain, err := s.check(out.Signature, sent)
	if err != nil {
		return sign.Descriptor{}, fmt.Errorf("awssigner: %w: %w", ErrReply, err)
	}
	annotations, err := annotate(out.Metadata, chain)
	if err != nil {
		return sign.Descriptor{}, fmt.Errorf("awssigner: %w: %w", ErrReply, err)
	}
	return sign.Descriptor{
		MediaType:    jwsType,
		ArtifactType: writing.ArtifactType,
		Digest:       digest.FromBytes(out.Signature),
		Size:         int64(len(out.Signature)),
		Data:         out.Signature,
		Annotations:  annotations,
	}, nil
}

// encode returns what is to be signed, and as bytes.
func encode(st *sign.Statement) (*notation.Payload, []byte, error) {
	if st == nil || len(st.Subjects) != 1 {
		return nil, nil, errors.New("AWS Signer signs exactly one subject")
	}
	switch st.Predicate.(type) {
	case sign.ImageSignature, *sign.ImageSignature:
	default:
		return nil, nil, errors.New("AWS Signer signs artifacts, not predicates: attach the document and sign the descriptor of that")
	}
	sub := st.Subjects[0]
	if sub.Name != "" {
		return nil, nil, errors.New("a subject's name has no place in what Notary Project signs")
	}
	p := &notation.Payload{MediaType: sub.MediaType, Digest: sub.Digest, Size: sub.Size, Annotations: maps.Clone(sub.Annotations)}
	data, err := writing.AppendPayload(nil, p)
	if err == nil && len(data) > maxPayload {
		err = fmt.Errorf("the service takes %d bytes, which these annotations exceed", maxPayload)
	}
	return p, data, err
}

// kind says which of our errors an error of the client is. The reason of a ValidationException is not told apart by the
// service; as the payload is a good one here, it is the profile.
func kind(err error) error {
	switch code := awserror.Code(err); {
	case awserror.Throttled(err):
		return fmt.Errorf("%w: %w", sign.ErrThrottled, err)
	case code == "ResourceNotFoundException" || code == "ValidationException":
		return fmt.Errorf("%w: %w", ErrProfile, err)
	case awserror.Denied(err):
		return fmt.Errorf("%w: %w", sign.ErrDenied, err)
	}
	return err
}

// annotate adds what the service says of the job, beside names that others read something from.
func annotate(metadata map[string]string, chain []*x509.Certificate) (map[string]string, error) {
	out := map[string]string{}
	size := 0
	for k, v := range metadata {
		if size += len(k) + len(v); size > maxMetadata {
			return nil, errors.New("metadata without end")
		}
		if !strings.HasPrefix(k, "io.cncf.") && !strings.HasPrefix(k, "org.opencontainers.") {
			out[k] = v
		}
	}
	out[writing.ThumbprintsAnnotation] = writing.Thumbprints(chain)
	return out, nil
}
