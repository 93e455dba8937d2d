// Package revocation asks AWS Signer what it has revoked, for the verifier of package verify/notary.
package revocation

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
)

// A Client is the SDK's client of AWS Signer as a notary.AWSRevocation. The caller needs the permission
// signer:GetRevocationStatus.
type Client struct{ *signer.Client }

// platform is the signing platform of container images.
const platform = "Notation-OCI-SHA384-ECDSA"

// Revoked asks in the region where the profile is, whatever the client's own is.
func (c Client) Revoked(ctx context.Context, profileVersion, job string, signedAt time.Time, certificates []string) ([]string, error) {
	out, err := c.GetRevocationStatus(ctx, &signer.GetRevocationStatusInput{
		PlatformId:         aws.String(platform),
		ProfileVersionArn:  &profileVersion,
		JobArn:             &job,
		SignatureTimestamp: &signedAt,
		CertificateHashes:  certificates,
	}, func(o *signer.Options) {
		if f := strings.Split(profileVersion, ":"); len(f) > 3 {
			o.Region = f[3]
		}
	})
	if err != nil {
		return nil, err
	}
	return out.RevokedEntities, nil
}
