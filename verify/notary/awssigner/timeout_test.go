package awssigner_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"

	"github.com/ladingdev/lading/verify/notary/awssigner"
)

// silent is a service that never answers.
type silent struct{}

func (silent) GetRevocationStatus(ctx context.Context, _ *signer.GetRevocationStatusInput,
	_ ...func(*signer.Options)) (*signer.GetRevocationStatusOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A service that does not answer holds a gate for 30 seconds and no longer. The clock is the bubble's.
func TestSilentService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := awssigner.Revocation(silent{}).Revoked(context.Background(),
			"arn:aws:signer:us-east-1:111122223333:/signing-profiles/release/abcdefghij", "job", start, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
