package ecr

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/internal/imagename"
	"github.com/ladingdev/lading/internal/imagename/ecrhost"
	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/registry"
)

// Why evidence could not be looked at though ECR has it, or will have it. For a policy none of these is "no signature".
var (
	ErrArchived      = errors.New("archived: restore it (UpdateImageStorageClass STANDARD), then ask again")
	ErrActivating    = errors.New("being restored from the archive: ask again later")
	ErrNotSigned     = errors.New("managed signing has not ended yet: ask again later")
	ErrUpstream      = errors.New("the pull-through cache could not list what its upstream has")
	ErrNotReplicated = errors.New("not replicated: it is where the image comes from, and not here")
)

// SourceClient is what a Source needs of the AWS SDK; *ecr.Client has it.
type SourceClient interface {
	ListImageReferrers(
		ctx context.Context,
		in *ecr.ListImageReferrersInput,
		options ...func(*ecr.Options),
	) (*ecr.ListImageReferrersOutput, error)
	DescribeImageSigningStatus(ctx context.Context, in *ecr.DescribeImageSigningStatusInput,
		options ...func(*ecr.Options)) (*ecr.DescribeImageSigningStatusOutput, error)
}

// A Source is the evidence of a repository in ECR, and what ECR knows of evidence that the registry does not list: archived, not
// signed yet, behind a cache, or left behind by replication. It has the method of a source of package verify. It is safe for
// concurrent use, and its fields do not change once it is used. The client needs ecr:BatchGetImage and, for managed signing,
// ecr:DescribeImageSigningStatus.
type Source struct {
	Repository *registry.Repository
	Client     SourceClient
	// ManagedSigning says that ECR itself signs what is pushed here. If no Notary Project signature is found, its status is asked for.
	ManagedSigning bool
	// Origin is where images here are replicated from; nil if nowhere. Evidence that is there and not here is told. It costs a listing
	// there.
	Origin *Source
}

// A State is what ECR says of one image's evidence.
type State struct {
	Referrers []Referrer
	Signing   []Signing             // of managed signing, if it was asked for
	Missing   []registry.Descriptor // at the origin, and not here
}

// A Referrer is a manifest whose subject is the image, in any state.
type Referrer struct {
	registry.Descriptor
	Status types.ArtifactStatus // ACTIVE, ARCHIVED or ACTIVATING
}

// A Signing is how managed signing by one profile goes.
type Signing struct {
	Profile string // ARN
	Status  types.SigningStatus
	Reason  string // of a failure: code and reason, one line
}

// Evidence yields what [registry.Repository.Evidence] does, and then an error for each piece of evidence that cannot be read now,
// beside its descriptor, or alone if it concerns what is not there yet. One listing of 50 a page is asked for, whatever there is.
//
// That managed signing failed is no error here, for then there is no signature and none will come; [Source.State] says why.
func (s *Source) Evidence(ctx context.Context, subject registry.Descriptor) iter.Seq2[registry.Descriptor, error] {
	return func(yield func(registry.Descriptor, error) bool) {
		if _, err := s.place(); err != nil {
			yield(registry.Descriptor{}, err)
			return
		}
		signed := false
		for d, err := range s.Repository.Evidence(ctx, subject) {
			signed = signed || d.MediaType == "application/jose+json" || d.MediaType == "application/cose"
			if !yield(d, err) || err != nil && d.Digest == "" {
				return
			}
		}
		state, err := s.state(ctx, subject, !signed)
		if err != nil {
			yield(registry.Descriptor{}, err)
			return
		}
		for d, err := range state.unreadable() {
			if !yield(d, err) {
				return
			}
		}
	}
}

// State asks ECR for the state of an image's evidence. Errors wrap [ErrUpstream], [ErrArchived] if the image itself is archived, and
// [registry.ErrNotFound]; whatever the client said is beneath.
func (s *Source) State(ctx context.Context, subject registry.Descriptor) (*State, error) {
	return s.state(ctx, subject, true)
}

func (s *Source) state(ctx context.Context, subject registry.Descriptor, signing bool) (*State, error) {
	at, err := s.place()
	if err != nil {
		return nil, err
	}
	st := new(State)
	if st.Referrers, err = s.referrers(ctx, at, subject); err != nil {
		return nil, err
	}
	if s.ManagedSigning && signing {
		if st.Signing, err = s.signing(ctx, at, subject); err != nil {
			return nil, err
		}
	}
	if s.Origin == nil {
		return st, nil
	}
	there, err := s.Origin.place()
	if err != nil {
		return nil, fmt.Errorf("ecr: origin: %w", err)
	}
	home, err := s.Origin.referrers(ctx, there, subject)
	if err != nil {
		return nil, fmt.Errorf("ecr: origin: %w", err)
	}
	here := make(map[digest.Digest]bool)
	for _, r := range st.Referrers {
		here[r.Digest] = true
	}
	for _, r := range home {
		if !here[r.Digest] {
			st.Missing = append(st.Missing, r.Descriptor)
		}
	}
	return st, nil
}

// location is where a repository is, in the API's terms.
type location struct {
	account, region, repository string
	fips                        bool
}

func (s *Source) place() (location, error) {
	if s == nil || s.Repository == nil || s.Client == nil {
		return location{}, errors.New("ecr: a Source needs a Repository and a Client")
	}
	host, path, _ := strings.Cut(s.Repository.Name(), "/")
	p, ok := ecrhost.Parse(imagename.Host(host, false))
	if !ok {
		return location{}, fmt.Errorf("ecr: %s is no private registry of ECR", oneline.Of(host))
	}
	return location{p.Account, p.Region, path, p.FIPS}, nil
}

func (l location) registry() *string {
	if l.account == "" { // a VPC endpoint's name does not say it
		return nil
	}
	return &l.account
}

func (l location) options(o *ecr.Options) {
	o.Region = l.region
	if l.fips {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
}

// Limits of what is asked for and taken.
const (
	pageSize     = 50 // the API takes 1 to 50
	maxReferrers = 1000
	callTimeout  = time.Minute // the SDK by itself waits for ever
)

// referrers lists them in all states. Without a filter, the API lists those alone that are active.
func (s *Source) referrers(ctx context.Context, at location, subject registry.Descriptor) (out []Referrer, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &ecr.ListImageReferrersInput{RepositoryName: &at.repository, RegistryId: at.registry(), MaxResults: aws.Int32(pageSize),
		SubjectId: &types.SubjectIdentifier{ImageDigest: aws.String(subject.Digest.String())},
		Filter:    &types.ListImageReferrersFilter{ArtifactStatus: types.ArtifactStatusFilterAny}}
	for {
		page, err := s.Client.ListImageReferrers(ctx, in, at.options)
		if err != nil {
			return nil, fmt.Errorf("ecr: referrers of %s in %s: %w", subject.Digest, at.repository, kind(err))
		}
		for _, r := range page.Referrers {
			d := registry.Descriptor{MediaType: aws.ToString(r.MediaType), Digest: digest.Digest(aws.ToString(r.Digest)),
				Size:         aws.ToInt64(r.Size),
				ArtifactType: aws.ToString(r.ArtifactType), Annotations: r.Annotations}
			if err := d.Digest.Validate(); err != nil {
				return nil, fmt.Errorf("ecr: referrers of %s in %s: %q: %w", subject.Digest, at.repository, d.Digest, err)
			}
			if out = append(out, Referrer{d, r.ArtifactStatus}); len(out) > maxReferrers {
				return nil, fmt.Errorf("ecr: referrers of %s in %s: %w: more than %d", subject.Digest, at.repository, registry.ErrLimit,
					maxReferrers)
			}
		}
		next := aws.ToString(page.NextToken)
		if next == "" {
			return out, nil
		}
		if next == aws.ToString(in.NextToken) {
			return nil, fmt.Errorf("ecr: referrers of %s in %s: the page after it is the page itself", subject.Digest, at.repository)
		}
		in.NextToken = &next
	}
}

func (s *Source) signing(ctx context.Context, at location, subject registry.Descriptor) (out []Signing, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.Client.DescribeImageSigningStatus(ctx, &ecr.DescribeImageSigningStatusInput{RepositoryName: &at.repository,
		RegistryId: at.registry(), ImageId: &types.ImageIdentifier{ImageDigest: aws.String(subject.Digest.String())}}, at.options)
	if err != nil {
		return nil, fmt.Errorf("ecr: signing status of %s in %s: %w", subject.Digest, at.repository, kind(err))
	}
	for _, s := range answer.SigningStatuses {
		reason := strings.TrimPrefix(aws.ToString(s.FailureCode)+": "+aws.ToString(s.FailureReason), ": ")
		out = append(out, Signing{aws.ToString(s.SigningProfileArn), s.Status, oneline.Of(strings.TrimSuffix(reason, ": "))})
	}
	return out, nil
}

// kind says which of our errors an error of the client is.
func kind(err error) error {
	switch awserror.Code(err) {
	case "UnableToListUpstreamImageReferrersException":
		return fmt.Errorf("%w: %w", ErrUpstream, err)
	case "ImageArchivedException":
		return fmt.Errorf("the image: %w: %w", ErrArchived, err)
	case "ImageNotFoundException", "RepositoryNotFoundException":
		return fmt.Errorf("%w: %w", registry.ErrNotFound, err)
	}
	return err
}

// unreadable yields an error for each piece of evidence that is there and cannot be read now, and for what is to come.
func (st *State) unreadable() iter.Seq2[registry.Descriptor, error] {
	return func(yield func(registry.Descriptor, error) bool) {
		away := false
		for _, r := range st.Referrers {
			why := map[types.ArtifactStatus]error{types.ArtifactStatusArchived: ErrArchived,
				types.ArtifactStatusActivating: ErrActivating}[r.Status]
			if why == nil && r.Status != types.ArtifactStatusActive {
				why = fmt.Errorf("in a state that is not known here: %.40q", string(r.Status))
			}
			if why == nil {
				continue
			}
			away = true
			if !yield(r.Descriptor, fmt.Errorf("ecr: %w", why)) {
				return
			}
		}
		for _, d := range st.Missing {
			if !yield(d, fmt.Errorf("ecr: %w", ErrNotReplicated)) {
				return
			}
		}
		for _, s := range st.Signing {
			switch {
			case s.Status == types.SigningStatusInProgress:
				yield(registry.Descriptor{}, fmt.Errorf("ecr: %w: %s", ErrNotSigned, s.Profile))
				return
			case s.Status == types.SigningStatusComplete && !away && len(st.Missing) == 0:
				yield(registry.Descriptor{}, fmt.Errorf("ecr: %w: %s has signed, and the signature is not listed", ErrNotSigned, s.Profile))
				return
			}
		}
	}
}

// String is the state in one line, for people.
func (st *State) String() string {
	count := make(map[types.ArtifactStatus]int)
	for _, r := range st.Referrers {
		count[r.Status]++
	}
	parts := []string{fmt.Sprintf("%d active", count[types.ArtifactStatusActive])}
	for _, status := range []types.ArtifactStatus{types.ArtifactStatusArchived, types.ArtifactStatusActivating} {
		if count[status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[status], strings.ToLower(string(status))))
		}
	}
	if len(st.Missing) > 0 {
		parts = append(parts, fmt.Sprintf("%d not replicated", len(st.Missing)))
	}
	for _, s := range st.Signing {
		text := "signing by " + s.Profile + ": " + string(s.Status)
		if s.Reason != "" {
			text += " (" + s.Reason + ")"
		}
		parts = append(parts, oneline.Of(text))
	}
	return strings.Join(parts, ", ")
}
