package ecr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// images is ECR's API for images on loopback, with the service's own limits: pages of 20 unless a request says 1 to 50, and of
// referrers those alone that are active, unless a filter says otherwise (API reference of ListImageReferrers).
type images struct {
	referrers map[string][]map[string]any // by region
	signing   []map[string]any
	refuse    map[string][2]string // by operation: code and message
	asked     []string             // operation, region and, of a page, how many
	answers   map[string]any       // of operations that have one answer
}

func (im *images) serve(w http.ResponseWriter, r *http.Request, region, operation string) {
	var in struct {
		RepositoryName, RegistryID, NextToken string
		MaxResults                            *int
		Filter                                struct{ ArtifactStatus string }
		SubjectID                             struct{ ImageDigest string }
		ImageID                               struct{ ImageDigest string }
	}
	fail := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fail("SerializationException", err.Error())
		return
	}
	if no, ok := im.refuse[operation]; ok {
		fail(no[0], no[1])
		return
	}
	if out, ok := im.answers[operation]; ok {
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	subject := in.SubjectID.ImageDigest + in.ImageID.ImageDigest
	if in.RepositoryName != "app" || in.RegistryID != "123456789012" || digest.Digest(subject).Validate() != nil {
		fail("InvalidParameterException", fmt.Sprintf("%+v", in))
		return
	}
	switch operation {
	case "DescribeImageSigningStatus":
		im.asked = append(im.asked, operation+" "+region)
		_ = json.NewEncoder(w).Encode(map[string]any{"repositoryName": "app", "registryId": in.RegistryID, "signingStatuses": im.signing,
			"imageId": map[string]string{"imageDigest": subject}})
	case "ListImageReferrers":
		size := 20
		if in.MaxResults != nil {
			size = *in.MaxResults
		}
		if size < 1 || size > 50 {
			fail("InvalidParameterException", "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be between 1 and 50'")
			return
		}
		im.asked = append(im.asked, fmt.Sprintf("%s %s %d", operation, region, size))
		status := in.Filter.ArtifactStatus
		if status == "" {
			status = "ACTIVE"
		}
		var list []map[string]any
		for _, one := range im.referrers[region] {
			if status == "ANY" || one["artifactStatus"] == status {
				list = append(list, one)
			}
		}
		first, _ := strconv.Atoi(in.NextToken)
		last := min(first+size, len(list))
		out := map[string]any{"referrers": list[first:last]}
		if last < len(list) {
			out["nextToken"] = strconv.Itoa(last)
		}
		_ = json.NewEncoder(w).Encode(out)
	default:
		fail("UnknownOperationException", operation)
	}
}

func (im *images) add(region string, d registry.Descriptor, status string) {
	if im.referrers == nil {
		im.referrers = map[string][]map[string]any{}
	}
	im.referrers[region] = append(im.referrers[region], map[string]any{"digest": d.Digest, "mediaType": d.MediaType, "size": d.Size,
		"artifactType": d.ArtifactType, "artifactStatus": status})
}

// A pushed image, signed by a key.
type pushed struct {
	*cloud
	repo      *registry.Repository
	image     registry.Descriptor
	key       sign.Key
	manifests []registry.Descriptor
}

func pushSigned(t *testing.T) *pushed {
	t.Helper()
	p := &pushed{cloud: newCloud(t)}
	p.images = &images{}
	p.repo = p.open(t, home+"/app", p.login())
	data := []byte(
		`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest +
			`","config":{"mediaType":"application/vnd.oci.empty.v1+json",` +
			`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`,
	)
	empty := registry.Descriptor{MediaType: ocispec.MediaTypeEmptyJSON, Digest: digest.FromString("{}"), Size: 2}
	p.image = registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}
	for d, text := range map[*registry.Descriptor][]byte{&empty: []byte("{}"), &p.image: data} {
		if err := p.repo.Push(t.Context(), *d, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	p.key = key
	signature, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(p.image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	if p.manifests, err = p.repo.Attach(t.Context(), p.image, signature); err != nil {
		t.Fatal(err)
	}
	return p
}

// unlist takes the signature from what the registry lists, as ECR does with what is archived.
func (p *pushed) unlist(t *testing.T) {
	t.Helper()
	for _, m := range p.manifests {
		if err := p.repo.Delete(t.Context(), p.image, m); err != nil {
			t.Fatal(err)
		}
	}
	p.repo.Forget()
}

func (p *pushed) source() *ecr.Source {
	return &ecr.Source{Repository: p.repo, Client: awsecr.New(p.client("HOME").Options())}
}

// decide asks a policy for the signature.
func (p *pushed) decide(t *testing.T, s *ecr.Source) (*policy.Decision, *verify.Report) {
	t.Helper()
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: p.key.Public()}}}
	report := verify.Collect(t.Context(), p.image, s, v)
	return policy.Require{Kind: verify.ImageSignature}.Decide(t.Context(), &policy.Input{Report: report, Now: time.Now()}), report
}

// Each state of ECR's is an answer of its own.
func TestStates(t *testing.T) {
	profile := "arn:aws:signer:eu-central-1:123456789012:/signing-profiles/release"
	status := func(status, code, reason string) []map[string]any {
		return []map[string]any{{"signingProfileArn": profile, "status": status, "failureCode": code, "failureReason": reason}}
	}
	for name, c := range map[string]struct {
		prepare func(*pushed, *ecr.Source)
		unlist  bool
		verdict policy.Verdict
		err     error // that says why
		state   string
	}{
		"active": {prepare: func(p *pushed, _ *ecr.Source) { p.images.add("eu-central-1", p.manifests[0], "ACTIVE") },
			verdict: policy.Allow,
			state:   "1 active"},
		"nothing": {unlist: true, verdict: policy.Deny, state: "0 active"},
		"archived": {prepare: func(p *pushed, _ *ecr.Source) { p.images.add("eu-central-1", p.manifests[0], "ARCHIVED") }, unlist: true,
			verdict: policy.Indeterminate, err: ecr.ErrArchived, state: "0 active, 1 archived"},
		"activating": {prepare: func(p *pushed, _ *ecr.Source) { p.images.add("eu-central-1", p.manifests[0], "ACTIVATING") }, unlist: true,
			verdict: policy.Indeterminate, err: ecr.ErrActivating, state: "0 active, 1 activating"},
		"one archived, one active": {prepare: func(p *pushed, _ *ecr.Source) {
			p.images.add("eu-central-1",
				registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("old"), Size: 3}, "ARCHIVED")
			p.images.add("eu-central-1", p.manifests[0], "ACTIVE")
		}, verdict: policy.Allow, err: ecr.ErrArchived, state: "1 active, 1 archived"},
		"signing": {prepare: func(p *pushed, s *ecr.Source) {
			s.ManagedSigning, p.images.signing = true, status("IN_PROGRESS", "", "")
		}, unlist: true, verdict: policy.Indeterminate, err: ecr.ErrNotSigned, state: "0 active, signing by " + profile + ": IN_PROGRESS"},
		"signed, and not listed": {prepare: func(p *pushed, s *ecr.Source) {
			s.ManagedSigning, p.images.signing = true, status("COMPLETE", "", "")
		}, unlist: true, verdict: policy.Indeterminate, err: ecr.ErrNotSigned, state: "0 active, signing by " + profile + ": COMPLETE"},
		"signed, and archived": {prepare: func(p *pushed, s *ecr.Source) {
			s.ManagedSigning, p.images.signing = true, status("COMPLETE", "", "")
			p.images.add("eu-central-1", p.manifests[0], "ARCHIVED")
		}, unlist: true, verdict: policy.Indeterminate, err: ecr.ErrArchived, state: "0 active, 1 archived, signing by " + profile +
			": COMPLETE"},
		"signing failed": {prepare: func(p *pushed, s *ecr.Source) {
			s.ManagedSigning, p.images.signing = true, status("FAILED", "AccessDeniedException", "no\npermission")
		}, unlist: true, verdict: policy.Deny, state: "0 active, signing by " + profile + ": FAILED (AccessDeniedException: no " +
			"permission)"},
		"replicated without evidence": {prepare: func(p *pushed, s *ecr.Source) {
			s.Origin = &ecr.Source{Repository: registryAt(p, "us-east-1"), Client: s.Client}
			p.images.add("us-east-1", p.manifests[0], "ACTIVE")
		}, unlist: true, verdict: policy.Indeterminate, err: ecr.ErrNotReplicated, state: "0 active, 1 not replicated"},
		"replicated whole": {prepare: func(p *pushed, s *ecr.Source) {
			s.Origin = &ecr.Source{Repository: registryAt(p, "us-east-1"), Client: s.Client}
			p.images.add("us-east-1", p.manifests[0], "ACTIVE")
			p.images.add("eu-central-1", p.manifests[0], "ACTIVE")
		}, verdict: policy.Allow, state: "1 active"},
		"behind a cache": {prepare: func(p *pushed, _ *ecr.Source) {
			p.images.refuse = map[string][2]string{"ListImageReferrers": {"UnableToListUpstreamImageReferrersException",
				"upstream said no"}}
		}, unlist: true, verdict: policy.Indeterminate, err: ecr.ErrUpstream},
		"an archived image": {prepare: func(p *pushed, _ *ecr.Source) {
			p.images.refuse = map[string][2]string{"ListImageReferrers": {"ImageArchivedException", "archived"}}
		}, unlist: true, verdict: policy.Indeterminate, err: ecr.ErrArchived},
		"no permission": {prepare: func(p *pushed, _ *ecr.Source) {
			p.images.refuse = map[string][2]string{"ListImageReferrers": {"AccessDeniedException", "ecr:BatchGetImage"}}
		}, unlist: true, verdict: policy.Indeterminate},
		"a state of tomorrow": {prepare: func(p *pushed, _ *ecr.Source) { p.images.add("eu-central-1", p.manifests[0], "FROZEN") },
			unlist:  true,
			verdict: policy.Indeterminate, state: "0 active"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pushSigned(t)
			s := p.source()
			if c.prepare != nil {
				c.prepare(p, s)
			}
			if c.unlist {
				p.unlist(t)
			}
			d, report := p.decide(t, s)
			if d.Verdict != c.verdict {
				t.Errorf("%v, want %v: %v", d.Verdict, c.verdict, report.Incomplete)
			}
			if c.err != nil && !slices.ContainsFunc(report.Incomplete, func(err error) bool { return errors.Is(err, c.err) }) {
				t.Errorf("%v, want %v", report.Incomplete, c.err)
			}
			if st, err := s.State(t.Context(), p.image); c.state != "" && (err != nil || st.String() != c.state) {
				t.Errorf("%v, %v, want %s", st, err, c.state)
			}
		})
	}
}

func registryAt(p *pushed, region string) *registry.Repository {
	r, err := registry.Open(strings.Replace(home, "eu-central-1", region, 1)+"/app", nil)
	if err != nil {
		panic(err)
	}
	return r
}

// Listings are read to their end, fifty a page, and the status of signing is asked for only where no such signature is.
func TestPages(t *testing.T) {
	p := pushSigned(t)
	for i := range 120 {
		p.images.add(
			"eu-central-1",
			registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(fmt.Sprint(i)), Size: 3},
			[]string{"ACTIVE", "ARCHIVED"}[i/119],
		)
	}
	s := p.source()
	s.ManagedSigning = true
	d, report := p.decide(t, s)
	if d.Verdict != policy.Allow || len(report.Incomplete) != 1 {
		t.Errorf("%v, %v", d.Verdict, report.Incomplete)
	}
	want := []string{"ListImageReferrers eu-central-1 50", "ListImageReferrers eu-central-1 50", "ListImageReferrers eu-central-1 50",
		"DescribeImageSigningStatus eu-central-1"}
	if !slices.Equal(p.images.asked, want) {
		t.Errorf("%q", p.images.asked)
	}
	other, err := registry.Open("registry.example.com/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Repository = other
	if _, report := p.decide(t, s); len(report.Incomplete) != 1 ||
		!strings.Contains(report.Incomplete[0].Error(), "no private registry of ECR") {
		t.Errorf("%v", report.Incomplete)
	}
	if _, report := p.decide(t, &ecr.Source{}); len(report.Incomplete) != 1 {
		t.Errorf("%v", report.Incomplete)
	}
}
