package kms

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/ladingdev/lading/sign"
	sigstore "github.com/sigstore/sigstore/pkg/signature/kms"
)

// ErrReference says that a reference to a key is malformed, or of a scheme that this program has no provider for.
var ErrReference = errors.New("not a reference to a key that is known here")

// callTimeout ends each call that a service does not answer; clients by themselves wait for ever.
const callTimeout = time.Minute

// Open returns the key that a reference names: awskms:// is AWS KMS, any other scheme that of a provider of
// github.com/sigstore/sigstore that the program imports. See the package comment for both.
//
// It reads the environment: for AWS all that the SDK's LoadDefaultConfig reads (variables AWS_*, shared files, roles of
// containers and machines), for others what their provider reads. It runs no program but the credential_process of AWS's
// shared files.
//
// Errors are [ErrReference], and of AWS [sign.ErrKey] for a key that is not there, disabled, or of a type that cannot sign here,
// [sign.ErrThrottled] and [sign.ErrDenied]; other providers have errors of their own.
func Open(ctx context.Context, uri string) (sign.Key, error) {
	if rest, ok := strings.CutPrefix(uri, "awskms://"); ok {
		return openAWS(ctx, rest)
	}
	// Get takes what no provider's scheme begins for the name of a program to run. Providers are never taken away, so a
	// match here is one there.
	if !slices.ContainsFunc(sigstore.SupportedProviders(), func(scheme string) bool { return strings.HasPrefix(uri, scheme) }) {
		scheme, _, found := strings.Cut(uri, "://")
		if !found {
			return nil, fmt.Errorf("kms: %w: %.128q has no scheme: those of AWS KMS are awskms:///KEY", ErrReference, uri)
		}
		if name := providers[scheme]; name != "" {
			return nil, fmt.Errorf("kms: %w: %.32q: its provider is not imported: import _ %q", ErrReference, scheme, providerPath+name)
		}
		return nil, fmt.Errorf("kms: %w: %.32q: no provider for it is imported", ErrReference, scheme)
	}
	sv, err := sigstore.Get(ctx, uri, crypto.SHA256) // the hash of what does not say otherwise; FromSigstore always does
	if err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	return FromSigstore(ctx, sv)
}

// The providers of sigstore/sigstore, by scheme.
var providers = map[string]string{"gcpkms": "gcp", "azurekms": "azure", "hashivault": "hashivault"}

const providerPath = "github.com/sigstore/sigstore/pkg/signature/kms/"

func openAWS(ctx context.Context, reference string) (sign.Key, error) {
	endpoint, id, _ := strings.Cut(reference, "/")
	if endpoint == "alias" || strings.HasPrefix(endpoint, "arn:") || id == "" { // a key where the host of an endpoint stands
		return nil, fmt.Errorf("kms: %w: awskms://%.128s: before the key stand three slashes: awskms:///%.128s", ErrReference, reference, reference)
	}
	if !isHost(endpoint) {
		return nil, fmt.Errorf("kms: %w: %.128q is no host", ErrReference, endpoint)
	}
	k, err := parseKeyID(id)
	if err != nil {
		return nil, err
	}
	var with []func(*config.LoadOptions) error
	if k.region != "" {
		with = append(with, config.WithRegion(k.region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	client := kms.NewFromConfig(cfg, func(o *kms.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String("https://" + endpoint)
		}
	})
	return NewAWS(ctx, client, id)
}
