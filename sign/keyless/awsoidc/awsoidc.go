// Package awsoidc brings identity tokens of AWS STS (GetWebIdentityToken), which name the IAM role or user that asks, to package keyless.
//
//	config, err := config.LoadDefaultConfig(ctx) // a region is needed
//	signer := &keyless.Signer{Instance: instance, Token: awsoidc.Source(sts.NewFromConfig(config))}
//
// The public instance of Sigstore does not take these tokens: each account has an issuer of its own, which is not in Fulcio's
// configuration there. They are for a Fulcio of your own, which knows the issuer of your account (aws iam
// get-outbound-web-identity-federation-info prints it). Its configuration, by which the certificate's URI is the role's ARN:
//
//	oidc-issuers:
//	  https://abc123.tokens.sts.global.api.aws:
//	    issuer-url: https://abc123.tokens.sts.global.api.aws
//	    client-id: sigstore
//	    type: ci-provider
//	    ci-provider: aws
//	ci-issuer-metadata:
//	  aws:
//	    subject-alternative-name-template: "{{ .sub }}"
//
// Without one, sign with a key in AWS KMS (package sign/kms) and keyless.Witnesses.
//
// The account must have the feature (aws iam enable-outbound-web-identity-federation), and the role a permission for
// sts:GetWebIdentityToken, which can be bound to the audience by the condition sts:IdentityTokenAudience.
package awsoidc

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
)

// STS is what is asked: an [sts.Client] of a region, for the global endpoint does not have the operation.
type STS interface {
	GetWebIdentityToken(context.Context, *sts.GetWebIdentityTokenInput, ...func(*sts.Options)) (*sts.GetWebIdentityTokenOutput, error)
}

// Source returns a source that asks AWS STS for a token of five minutes, signed with RS256. Errors wrap [keyless.ErrToken], and
// [sign.ErrThrottled] or [sign.ErrDenied] where that is why, with the client's own beneath.
func Source(client STS) keyless.TokenSource {
	return func(ctx context.Context, audience string) (string, error) {
		if client == nil {
			return "", fmt.Errorf("awsoidc: %w: no client of AWS STS", keyless.ErrToken)
		}
		out, err := client.GetWebIdentityToken(
			ctx,
			&sts.GetWebIdentityTokenInput{Audience: []string{audience}, SigningAlgorithm: aws.String("RS256")},
		)
		switch {
		case err != nil:
			return "", fmt.Errorf("awsoidc: %w: %w", keyless.ErrToken, explain(err))
		case out == nil || aws.ToString(out.WebIdentityToken) == "":
			return "", fmt.Errorf("awsoidc: %w: the answer has none", keyless.ErrToken)
		}
		return *out.WebIdentityToken, nil
	}
}

// What to do about an error of the service, by its code: where it is of the account or the request, and where it is of the caller.
var (
	ofAccount = map[string]string{
		"OutboundWebIdentityFederationDisabledException": "the account lacks the feature: aws iam enable-outbound-web-identity-federation",
		"JWTPayloadSizeExceededException": "the role has too many principal tags for a token: take some away, or use " +
			"another role",
		"SessionDurationEscalationException": "the role's session ends before a token would: assume the role again",
		"InvalidAction":                      "this endpoint does not have the operation: use one of a region",
	}
	ofCaller = map[string]string{
		"ExpiredTokenException": "the credentials have expired: get new ones",
		"ExpiredToken":          "the credentials have expired: get new ones",
		"InvalidClientTokenId":  "AWS does not know the credentials",
		"AccessDenied":          "the role needs sts:GetWebIdentityToken",
	}
)

func explain(err error) error {
	code := awserror.Code(err)
	switch {
	case ofAccount[code] != "":
		return fmt.Errorf("%s: %w", ofAccount[code], err)
	case awserror.Throttled(err):
		return fmt.Errorf("%w: %w", sign.ErrThrottled, err)
	case ofCaller[code] != "":
		return fmt.Errorf("%w: %s: %w", sign.ErrDenied, ofCaller[code], err)
	case awserror.Denied(err):
		return fmt.Errorf("%w: %w", sign.ErrDenied, err)
	}
	return err
}
