package ecr_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/ladingdev/lading/registry/ecr"
)

// silent is a service that never answers.
type silent struct{}

func (silent) GetAuthorizationToken(ctx context.Context, _ *awsecr.GetAuthorizationTokenInput,
	_ ...func(*awsecr.Options)) (*awsecr.GetAuthorizationTokenOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A service that does not answer holds nobody for longer than a minute. The clock is the bubble's.
func TestSilentService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := (&ecr.Credentials{Private: silent{}}).Credential(context.Background(), home)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
