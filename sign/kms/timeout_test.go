package kms_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/ladingdev/lading/sign/kms"
)

// silent is a service that never answers.
type silent struct{}

func (silent) GetPublicKey(ctx context.Context, _ *awskms.GetPublicKeyInput,
	_ ...func(*awskms.Options)) (*awskms.GetPublicKeyOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) Sign(ctx context.Context, _ *awskms.SignInput, _ ...func(*awskms.Options)) (*awskms.SignOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A service that does not answer holds nobody for longer than a minute. The clock is the bubble's.
func TestSilentService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := kms.NewAWS(context.Background(), silent{}, "alias/release")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
