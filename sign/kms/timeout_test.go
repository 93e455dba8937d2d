package kms_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/ladingdev/lading/sign/kms"
)

// silent is a service that never answers.
type silent struct {
	signature.SignerVerifier
	public crypto.PublicKey
}

func (silent) GetPublicKey(ctx context.Context, _ *awskms.GetPublicKeyInput, _ ...func(*awskms.Options)) (*awskms.GetPublicKeyOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) Sign(ctx context.Context, _ *awskms.SignInput, _ ...func(*awskms.Options)) (*awskms.SignOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s silent) PublicKey(opts ...signature.PublicKeyOption) (crypto.PublicKey, error) {
	if s.public != nil {
		return s.public, nil
	}
	ctx := context.Background()
	for _, o := range opts {
		o.ApplyContext(&ctx)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) SignMessage(_ io.Reader, opts ...signature.SignOption) ([]byte, error) {
	ctx := context.Background()
	for _, o := range opts {
		o.ApplyContext(&ctx)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// A service that does not answer holds nobody for longer than a minute. The clock is the bubble's.
func TestSilentService(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"AWS, open":      func(ctx context.Context) error { _, err := kms.NewAWS(ctx, silent{}, "alias/release"); return err },
		"sigstore, open": func(ctx context.Context) error { _, err := kms.FromSigstore(ctx, silent{}); return err },
		"sigstore, sign": func(ctx context.Context) error {
			k, err := kms.FromSigstore(ctx, silent{public: key.Public()})
			if err != nil {
				return err
			}
			_, err = k.Sign(ctx, make([]byte, 32), crypto.SHA256)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				if err := call(context.Background()); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}
