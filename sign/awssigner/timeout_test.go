package awssigner_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
)

// silent is a service that never answers.
type silent struct{}

func (silent) SignPayload(ctx context.Context, _ *signer.SignPayloadInput, _ ...func(*signer.Options)) (*signer.SignPayloadOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A service that does not answer holds nobody for longer than a minute. The clock is the bubble's.
func TestSilentService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := awssigner.New(silent{}, "arn:aws:signer:us-east-1:111122223333:/signing-profiles/release")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		image := sign.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("image"), Size: 5}
		_, err = s.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
