package sweep_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

const registryHost = sweeptest.Account + ".dkr.ecr.us-east-1.amazonaws.com"

var began = time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)

// A shop has images and really signed evidence. Its tags are those of all repositories.
type shop struct {
	key interface{ Public() crypto.PublicKey }

	mu       sync.Mutex
	tags     map[string]verify.Descriptor // by REPOSITORY:TAG
	evidence map[digest.Digest][]verify.Descriptor
	children map[digest.Digest][]verify.Descriptor
	broken   map[string]bool // repositories that do not answer
	opened   int
}

func newShop(t testing.TB) *shop {
	t.Helper()
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{
		key: key, tags: map[string]verify.Descriptor{}, evidence: map[digest.Digest][]verify.Descriptor{},
		children: map[digest.Digest][]verify.Descriptor{}, broken: map[string]bool{},
	}
}

func descriptor(content string) verify.Descriptor {
	return verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(content), Size: int64(len(content))}
}

// unsigned names an image that nobody signed, by digest.
func (s *shop) unsigned(repository string) string {
	return registryHost + "/" + repository + "@" + string(descriptor(repository).Digest)
}

// signed names an image that is signed, by digest.
func (s *shop) signed(t testing.TB, repository string) string {
	t.Helper()
	d := descriptor(repository)
	e, err := (&sign.BundleSigner{Key: s.key.(sign.Key)}).Sign(t.Context(), sign.About(d, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evidence[d.Digest] = append(s.evidence[d.Digest], e)
	return s.unsigned(repository)
}

// tag gives an image by digest a tag too, and returns that name.
func (s *shop) tag(name, tag string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	repository, sum, _ := strings.Cut(name, "@")
	s.tags[repository+":"+tag] = verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(sum), Size: 1}
	return repository + ":" + tag
}

func (s *shop) Evidence(_ context.Context, subject verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	s.mu.Lock()
	list := s.evidence[subject.Digest]
	s.mu.Unlock()
	return func(yield func(verify.Descriptor, error) bool) {
		for _, d := range list {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *shop) open(_ context.Context, name string) (*policy.Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	repository, sum, pinned := strings.Cut(name, "@")
	d := verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(sum), Size: 1}
	if !pinned {
		var ok bool
		if d, ok = s.tags[name]; !ok {
			return nil, fmt.Errorf("%w: %s", gate.ErrNotFound, name)
		}
		repository = name[:strings.LastIndexByte(name, ':')]
	}
	if s.broken[repository] {
		return nil, errors.New("the registry does not answer")
	}
	return &policy.Image{Subject: d, Children: s.children[d.Digest], Source: s}, nil
}

// checker asks for a signature by the shop's key.
func (s *shop) checker(t testing.TB) *gate.Checker {
	t.Helper()
	c, err := s.newChecker()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *shop) newChecker() (*gate.Checker, error) {
	keys := []verify.TrustedKey{{Key: s.key.Public()}}
	return gate.New(&gate.Rules{
		Gate: &policy.Gate{
			Open: s.open, Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: keys}},
			Policy: policy.Require{Kind: verify.ImageSignature},
			Now:    func() time.Time { return began },
		},
		PolicyDigest: digest.FromString("policy"), TrustDigest: digest.FromString("trust"),
	}, nil)
}

func newSweep(t testing.TB, cloud *sweeptest.Cloud, s *shop) *sweep.Sweep {
	t.Helper()
	return &sweep.Sweep{
		Config: cloud.Config(), Checker: s.checker(t), Families: []string{"gated-*"},
		Hooks: []string{"arn:aws:lambda:*:" + sweeptest.Account + ":function:gate"}, Now: func() time.Time { return began },
	}
}

func run(t testing.TB, s *sweep.Sweep) *sweep.Report {
	t.Helper()
	r, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// findings are those of a report, one a line.
func findings(r *sweep.Report) (list []string) {
	for _, row := range r.Rows {
		for _, f := range row.Findings {
			list = append(list, strings.Join(strings.Fields(fmt.Sprintf("%s: %s %s %s %s %s", f.Kind, row.Service, row.Kind, row.Resource,
				row.Definition, row.Container)), " "))
		}
	}
	return list
}
