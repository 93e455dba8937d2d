package notary

import (
	"context"
	"crypto/sha512"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/awsarn"
	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/verify"
	"github.com/notaryproject/notation-core-go/signature"
)

// The roots of AWS Signer, as AWS publishes them for Notation: of the commercial regions, and of GovCloud (US).
var (
	//go:embed aws-signer-root.pem
	awsRoot []byte
	//go:embed aws-us-gov-signer-root.pem
	awsGovRoot []byte
)

// AWSRoots returns the roots of AWS Signer, for [Verifier.SigningAuthority]: of the commercial regions and of GovCloud (US).
// Every customer of AWS can sign below them, so they say nothing of who did: Verifier.Identities must name profiles.
func AWSRoots() []*x509.Certificate {
	var roots []*x509.Certificate
	for _, data := range [][]byte{awsRoot, awsGovRoot} {
		c, err := ParseCertificates(data)
		if err != nil {
			panic(err) // they are compiled in
		}
		roots = append(roots, c...)
	}
	return roots
}

// AWSRevocation asks AWS Signer what was revoked: of the profile version, the signing job, and the certificates, each as
// AWS Signer's GetRevocationStatus wants it. It returns those that were; an error says that it is not known.
type AWSRevocation interface {
	Revoked(ctx context.Context, profileVersion, job string, signedAt time.Time, certificates []string) ([]string, error)
}

// awsFacts are what a signature by AWS Signer says of itself.
type awsFacts struct {
	profile awsarn.Profile // in one version
	job     string
}

// extendedAttributes returns an error for every attribute that is not known here and must be, and AWS Signer's facts if
// it made the signature.
func extendedAttributes(info *signature.SignerInfo) (*awsFacts, error) {
	text := make(map[string]string)
	for _, a := range info.SignedAttributes.ExtendedAttributes {
		key, _ := a.Key.(string)
		switch key {
		case notation.AttributePlugin, notation.AttributePluginVersion, notation.AttributeAWSProfile, notation.AttributeAWSJob:
			value, ok := a.Value.(string)
			if !ok || !a.Critical {
				return nil, fmt.Errorf("%w: attribute %s must be critical and text", verify.ErrMalformed, key)
			}
			text[key] = value
		default:
			if a.Critical {
				return nil, fmt.Errorf("%w: attribute %v is critical and not known here", verify.ErrNotTrusted, a.Key)
			}
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	if plugin := text[notation.AttributePlugin]; plugin != notation.AWSPlugin {
		return nil, fmt.Errorf("%w: the signature asks for the verification plugin %.64q, whose checks are not known here",
			verify.ErrNotTrusted, plugin)
	}
	if info.SignedAttributes.SigningScheme != signature.SigningSchemeX509SigningAuthority {
		return nil, fmt.Errorf("%w: AWS Signer's attributes under the signing scheme %s", verify.ErrMalformed,
			info.SignedAttributes.SigningScheme)
	}
	if v, ok := text[notation.AttributePluginVersion]; ok && !pluginIsEnough(v) {
		return nil, fmt.Errorf("%w: the signature asks for version %.32q of its verification plugin, whose checks are not known here",
			verify.ErrNotTrusted, v)
	}
	p, err := awsarn.ParseProfile(text[notation.AttributeAWSProfile])
	if err == nil && p.Version == "" {
		err = errors.New("no version")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: attribute %s: %w", verify.ErrMalformed, notation.AttributeAWSProfile, err)
	}
	job, err := awsarn.Parse(text[notation.AttributeAWSJob])
	if err != nil || job.Partition != p.Partition || job.Service != "signer" || !strings.HasPrefix(job.Resource, "/signing-jobs/") {
		return nil, fmt.Errorf("%w: attribute %s: %.128q", verify.ErrMalformed, notation.AttributeAWSJob, text[notation.AttributeAWSJob])
	}
	return &awsFacts{p, text[notation.AttributeAWSJob]}, nil
}

// pluginIsEnough reports whether the checks of the plugin up to 1.0, which are made here, are all that is asked for.
func pluginIsEnough(version string) bool {
	parts := strings.Split(version, ".")
	if len(parts) != 3 || parts[0] != "1" || parts[1] != "0" {
		return false
	}
	_, err := strconv.ParseUint(parts[2], 10, 31)
	return err == nil
}

// belowAWS reports whether a chain, which is verified, ends where those of all customers of AWS do, whichever of its
// certificates is trusted.
func (v *Verifier) belowAWS(chain []*x509.Certificate) bool {
	roots := append(AWSRoots(), v.AWSRoots...)
	return slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.ContainsFunc(roots, c.Equal) })
}

// askAWS asks AWS Signer. Not to be revoked is an empty answer, and no other.
func (v *Verifier) askAWS(ctx context.Context, aws *awsFacts, info *signature.SignerInfo) (time.Time, error) {
	if v.AWS == nil {
		return time.Time{}, errors.New("no client of AWS Signer to ask: set Verifier.AWS")
	}
	at := info.SignedAttributes.SigningTime.UTC()
	about := question(info.CertificateChain, "AWS", aws.profile.String(), aws.job, at.String())
	return v.answers.get(ctx, about, v.now(), func() error {
		var hashes []string
		for i, c := range info.CertificateChain {
			issuer := info.CertificateChain[min(i+1, len(info.CertificateChain)-1)]
			own, above := sha512.Sum384(c.RawTBSCertificate), sha512.Sum384(issuer.RawTBSCertificate)
			hashes = append(hashes, hex.EncodeToString(own[:])+hex.EncodeToString(above[:]))
		}
		revoked, err := v.AWS.Revoked(ctx, aws.profile.String(), aws.job, at, hashes)
		if err != nil {
			return err
		}
		if len(revoked) > 0 {
			return fmt.Errorf("%w: %.256q, says AWS Signer", verify.ErrRevoked, revoked[0])
		}
		return nil
	})
}
