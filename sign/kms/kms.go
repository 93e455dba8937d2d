package kms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/ladingdev/lading/sign"
)

// ErrReference says that a reference to a key is malformed, or of a scheme that is not known here.
var ErrReference = errors.New("not a reference to a key that is known here")

// callTimeout ends each call that a service does not answer; clients by themselves wait for ever.
const callTimeout = time.Minute

// Open returns the key that a reference to AWS KMS names, awskms://[ENDPOINT]/KEY. See the package comment. References to other
// services are opened by package sign/kms/sigstorekms, a module of its own, whose Open takes these too.
//
// It reads the environment: all that the SDK's LoadDefaultConfig reads (variables AWS_*, shared files, roles of containers and
// machines). It runs no program but the credential_process of AWS's shared files.
//
// Errors are [ErrReference], [sign.ErrKey] for a key that is not there, disabled, or of a type that cannot sign here,
// [sign.ErrThrottled] and [sign.ErrDenied].
func Open(ctx context.Context, uri string) (sign.Key, error) {
	if rest, ok := strings.CutPrefix(uri, "awskms://"); ok {
		return openAWS(ctx, rest)
	}
	scheme, _, found := strings.Cut(uri, "://")
	if !found {
		return nil, fmt.Errorf("kms: %w: %.128q has no scheme: those of AWS KMS are awskms:///KEY", ErrReference, uri)
	}
	return nil, fmt.Errorf("kms: %w: %.32q is no scheme of AWS KMS: package sign/kms/sigstorekms opens keys of other services",
		ErrReference, scheme)
}

func openAWS(ctx context.Context, reference string) (sign.Key, error) {
	endpoint, id, _ := strings.Cut(reference, "/")
	if endpoint == "alias" || strings.HasPrefix(endpoint, "arn:") || id == "" { // a key where the host of an endpoint stands
		return nil, fmt.Errorf("kms: %w: awskms://%.128s: before the key stand three slashes: awskms:///%.128s", ErrReference,
			reference, reference)
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
