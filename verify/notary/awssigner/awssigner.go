// Package awssigner verifies signatures by AWS Signer in process: those of notation with AWS's plugin, of ECR's managed
// signing, and of package sign/awssigner, which are all the same.
//
//	client := signer.NewFromConfig(cfg) // github.com/aws/aws-sdk-go-v2/service/signer
//	v := awssigner.Verifier(client, "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release")
//	report := verify.Collect(ctx, image, repository, v)
//
// The verifier is one of package notary, which makes all checks; here is only what asks AWS. An SBOM that AWS Signer signed
// as an artifact of its own comes as a statement.
//
// Each signature costs one call of GetRevocationStatus, at the first time: answers are good for ten minutes. A call that is
// not answered ends after 30 seconds. The caller needs the permission signer:GetRevocationStatus, and a way to
// data-signer.REGION.amazonaws.com. Who has neither sets Revocation to notary.RevocationSoft or RevocationOffUnsafe.
package awssigner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"

	"github.com/ladingdev/lading/internal/awsarn"
	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/verify/notary"
)

// Why AWS did not answer, for errors.Is. What it said is beneath; verify.ErrUnchecked is above.
var (
	ErrThrottled = errors.New("too many requests: try again later")
	ErrDenied    = errors.New("no permission to ask AWS Signer what it revoked")
)

// Client is what is used of github.com/aws/aws-sdk-go-v2/service/signer, whose Client it is.
type Client interface {
	GetRevocationStatus(context.Context, *signer.GetRevocationStatusInput,
		...func(*signer.Options)) (*signer.GetRevocationStatusOutput, error)
}

// Verifier returns a verifier that trusts the signing profiles of these ARNs, or profile versions, and nobody else. With
// no profile it trusts nobody. Its fields can be changed before it is used.
func Verifier(client Client, profiles ...string) *notary.Verifier {
	return &notary.Verifier{SigningAuthority: notary.AWSRoots(), Identities: profiles, AWS: Revocation(client)}
}

// Revocation returns what [notary.Verifier] asks about signatures by AWS Signer. Each question is one call, in the
// region of the signing profile.
func Revocation(client Client) notary.AWSRevocation { return &revocation{client} }

type revocation struct{ client Client }

// platform is the signing platform of container images.
const platform = "Notation-OCI-SHA384-ECDSA"

func (r *revocation) Revoked(ctx context.Context, profileVersion, job string, signedAt time.Time, certificates []string) ([]string, error) {
	if r.client == nil {
		return nil, errors.New("awssigner: no client")
	}
	profile, err := awsarn.ParseProfile(profileVersion)
	if err != nil {
		return nil, fmt.Errorf("awssigner: %.128q: %w", profileVersion, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // the SDK by itself waits for ever
	defer cancel()
	out, err := r.client.GetRevocationStatus(ctx, &signer.GetRevocationStatusInput{
		CertificateHashes:  certificates,
		JobArn:             aws.String(job),
		PlatformId:         aws.String(platform),
		ProfileVersionArn:  aws.String(profileVersion),
		SignatureTimestamp: aws.Time(signedAt),
	}, func(o *signer.Options) { o.Region = profile.Region })
	switch {
	case err == nil && out == nil:
		return nil, errors.New("awssigner: no answer")
	case err == nil:
		return out.RevokedEntities, nil
	case awserror.Throttled(err):
		return nil, fmt.Errorf("awssigner: %w: %w", ErrThrottled, err)
	case awserror.Denied(err):
		return nil, fmt.Errorf("awssigner: %w: %w", ErrDenied, err)
	}
	return nil, fmt.Errorf("awssigner: %w", err)
}
