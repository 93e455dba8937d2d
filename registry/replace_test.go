package registry_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// deleting are the places where evidence can be deleted.
func deleting(t *testing.T) map[string]func(t *testing.T) *registry.Repository {
	server := func(quirks ...registrytest.Quirk) func(t *testing.T) *registry.Repository {
		return func(t *testing.T) *registry.Repository {
			s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(t.TempDir()), Quirks: quirks})
			t.Cleanup(s.Close)
			return open(t, s.Host()+"/demo/app", nil)
		}
	}
	return map[string]func(t *testing.T) *registry.Repository{
		"API": server(), "fallback": server(registrytest.NoReferrers(404)),
		"layout": func(t *testing.T) *registry.Repository { return reopen(t, t.TempDir()) },
	}
}

// The new comes first and then the old goes; whoever reads in between sees one of them at least.
func TestReplace(t *testing.T) {
	for name, start := range deleting(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := start(t)
			image := pushImage(t, repo, "app")
			old, err := repo.Attach(t.Context(), image, content("old"), content("older"), content("stranger"))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var reader sync.WaitGroup
			reader.Go(func() {
				for ctx.Err() == nil {
					n := 0
					for d, err := range repo.Evidence(ctx, image) {
						// A manifest that went between the list and its reading is an error of its own, never silence.
						if err != nil && !errors.Is(err, registry.ErrNotFound) && ctx.Err() == nil {
							t.Error(err)
						}
						if err == nil && string(d.Data) != "stranger" {
							n++
						}
					}
					if n == 0 && ctx.Err() == nil {
						t.Error("a reader in between saw neither the old nor the new")
					}
				}
			})
			// By the evidence, as a report names it, and by the manifest; one of them is gone already.
			m, err := repo.Replace(t.Context(), image, content("new"), bareOf(content("old")), old[1], content("never there"))
			if err != nil {
				t.Error(err)
			}
			cancel()
			reader.Wait()
			if diff := cmp.Diff([]string{"new", "stranger"}, texts(t, repo, image)); diff != "" {
				t.Error(diff)
			}
			// To replace something with itself removes nothing.
			if again, err := repo.Replace(t.Context(), image, content("new"), bareOf(content("new")), m); err != nil ||
				again.Digest != m.Digest {
				t.Errorf("%v, %v", again, err)
			}
			if diff := cmp.Diff([]string{"new", "stranger"}, texts(t, repo, image)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func bareOf(d registry.Descriptor) registry.Descriptor {
	return registry.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

// Prune removes what it is told, with what hangs on it, and nothing in a dry run or of a manifest that holds more.
func TestPrune(t *testing.T) {
	for name, start := range deleting(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := start(t)
			image := pushImage(t, repo, "app")
			attached, err := repo.Attach(t.Context(), image, content("a"), content("b"))
			if err != nil {
				t.Fatal(err)
			}
			attachSigned(t, repo, image, "signature")
			var document registry.Descriptor
			for d, err := range repo.Evidence(t.Context(), image) {
				if err != nil {
					t.Fatal(err)
				}
				if d.MediaType == ocispec.MediaTypeImageIndex {
					document = bareOf(d)
				}
			}
			for _, dry := range []bool{true, false} {
				gone, err := repo.Prune(t.Context(), image, &registry.PruneOptions{DryRun: dry}, bareOf(content("a")), document)
				if err != nil || len(gone) != 2 || !slices.ContainsFunc(gone,
					func(d registry.Descriptor) bool { return d.Digest == attached[0].Digest }) {
					t.Errorf("dry %v: %v, %v", dry, gone, err)
				}
				want := 1
				if dry {
					want = 3
				}
				n := 0
				for _, err := range repo.Evidence(t.Context(), image) {
					if n++; err != nil {
						t.Error(err)
					}
				}
				if n != want {
					t.Errorf("dry %v: %d left, want %d", dry, n, want)
				}
			}
			if gone, err := repo.Prune(t.Context(), image, nil, bareOf(content("a"))); err != nil || len(gone) != 0 {
				t.Errorf("what is gone: %v, %v", gone, err)
			}
			// Two pieces of evidence in one manifest, of which one is to go.
			two := twoLayers(t, repo, image, content("c"), content("d"))
			if _, err := repo.Prune(t.Context(), image, nil, bareOf(content("c"))); !errors.Is(err, registry.ErrInvalid) {
				t.Errorf("a manifest that holds more: %v", err)
			}
			if gone, err := repo.Prune(t.Context(), image, nil, bareOf(content("c")), bareOf(content("d"))); err != nil || len(gone) != 1 ||
				gone[0].Digest != two.Digest {
				t.Errorf("both of them: %v, %v", gone, err)
			}
			// A manifest that is about something else is not removed by mistake.
			other := pushImage(t, repo, "other")
			if gone, err := repo.Prune(t.Context(), image, nil, other); err != nil || len(gone) != 0 {
				t.Errorf("a manifest that is no referrer: %v, %v", gone, err)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoDelete()}})
		defer s.Close()
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		if _, err := repo.Attach(t.Context(), image, content("old")); err != nil {
			t.Fatal(err)
		}
		m, err := repo.Replace(t.Context(), image, content("new"), bareOf(content("old")))
		if m.Digest == "" || !errors.Is(err, registry.ErrUnsupported) {
			t.Errorf("%v, %v", m, err)
		}
		if diff := cmp.Diff([]string{"new", "old"}, texts(t, repo, image)); diff != "" {
			t.Error(diff)
		}
	})
}

// twoLayers attaches a manifest with several pieces of evidence.
func twoLayers(t *testing.T, repo *registry.Repository, image registry.Descriptor, cs ...registry.Descriptor) registry.Descriptor {
	t.Helper()
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: bundleType, Config: push(t, repo,
		ocispec.MediaTypeEmptyJSON, []byte("{}"))}
	m.SchemaVersion = 2
	subject := bareOf(image)
	m.Subject = &subject
	for _, c := range cs {
		m.Layers = append(m.Layers, push(t, repo, c.MediaType, c.Data))
	}
	d := push(t, repo, m.MediaType, asJSON(t, m))
	d.ArtifactType = bundleType
	if err := repo.Repair(t.Context(), image, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Attach says when evidence comes near what is read, and that it is over it, and refuses what nobody could read.
func TestCrowded(t *testing.T) {
	for name, start := range map[string][]registrytest.Quirk{"API": nil, "fallback": {registrytest.NoReferrers(404)}} {
		t.Run(name, func(t *testing.T) {
			s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(t.TempDir()), Quirks: start})
			defer s.Close()
			var log bytes.Buffer
			repo := open(t, s.Host()+"/demo/app", &registry.Options{
				Limits: registry.Limits{Candidates: 8, EvidenceBytes: 100, ManifestBytes: 20_000},
				Log:    slog.New(slog.NewTextHandler(&log, nil)),
			})
			image := pushImage(t, repo, "app")
			for i := range 8 {
				if _, err := repo.Attach(t.Context(), image, content(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
				if warned := strings.Contains(log.String(), "limit=8"); warned != (i >= 6) {
					t.Errorf("after %d: warned %v", i+1, warned)
				}
			}
			// The ninth is one too many: it is there, and the error says so.
			ms, err := repo.Attach(t.Context(), image, content("8"))
			var partial *registry.AttachError
			if len(ms) != 1 || !errors.Is(err, registry.ErrLimit) || !errors.As(err, &partial) || len(partial.Pushed) != 1 {
				t.Errorf("%v, %v", ms, err)
			}
			var last error
			for _, err := range repo.Evidence(t.Context(), image) {
				last = err
			}
			if !errors.Is(last, registry.ErrLimit) {
				t.Errorf("whoever reads gets %v", last)
			}
			// One that replaces two makes room.
			if _, err := repo.Replace(t.Context(), image, content("9"), bareOf(content("0")), bareOf(content("1"))); err != nil {
				t.Error(err)
			}
			if got := texts(t, repo, image); len(got) != 8 {
				t.Errorf("%q", got)
			}
			large, annotated := content(strings.Repeat("x", 101)), content("annotated")
			annotated.Annotations = map[string]string{"a": strings.Repeat("x", 20_000)}
			for _, c := range []registry.Descriptor{large, annotated} {
				if _, err := repo.Attach(t.Context(), image, c); !errors.Is(err, registry.ErrLimit) || !errors.As(err, &partial) ||
					len(partial.Pushed) != 0 {
					t.Errorf("what cannot be read: %v", err)
				}
			}
			if err := repo.AttachCosign(t.Context(), image, simpleSigning(strings.Repeat("x", 101), "c2ln")); !errors.Is(err,
				registry.ErrLimit) {
				t.Errorf("under cosign's tag: %v", err)
			}
		})
	}
}

// statement is an envelope about nothing with a predicate type inside, and perhaps another in its annotation.
func statement(inside, annotated, created string) registry.Descriptor {
	payload := base64.StdEncoding.EncodeToString(fmt.Appendf(nil,
		`{"_type":"https://in-toto.io/Statement/v1","predicateType":%q,"predicate":{"at":%q}}`, inside, created))
	c := content(fmt.Sprintf(`{"dsseEnvelope":{"payload":%q,"payloadType":"application/vnd.in-toto+json"}}`, payload))
	c.Annotations = map[string]string{"dev.sigstore.bundle.predicateType": annotated, "org.opencontainers.image.created": created}
	if annotated == "" {
		delete(c.Annotations, "dev.sigstore.bundle.predicateType")
	}
	return c
}

// Evidence is asked by predicate type: what the list says is another type is not read, and what is inside decides.
func TestEvidenceOf(t *testing.T) {
	var c counter
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{c.quirk()}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	_, err := repo.Attach(t.Context(), image,
		statement("sbom", "sbom", "2026-11-01T00:00:00Z"), statement("sbom", "", "2026-11-03T00:00:00Z"),
		statement("vulns", "vulns", "2026-11-04T00:00:00Z"), statement("vulns", "", "2026-11-05T00:00:00Z"),
		statement("vulns", "sbom", "2026-11-06T00:00:00Z"), statement("sbom", "sbom", "2026-11-02T00:00:00Z"), content("opaque"))
	if err != nil {
		t.Fatal(err)
	}
	attachSigned(t, repo, image, "signature")
	c.take()
	var got []string
	for d, err := range repo.Of("sbom").Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.MediaType[len("application/vnd."):][:8]+" "+fmt.Sprint(len(d.Data)))
	}
	// The newest first, what names no type after them.
	if len(got) != 5 || !strings.HasPrefix(got[4], "oci.imag") && !strings.HasPrefix(got[3], "oci.imag") {
		t.Errorf("%q", got)
	}
	if n := len(c.take()); n > 1+6*2+5 {
		t.Errorf("%d requests: what the list says is of another type was read", n)
	}
	var order []string
	for d, err := range repo.Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		if payload := string(d.Data); strings.Contains(payload, "dsseEnvelope") {
			order = append(order, d.Digest.String())
		}
	}
	want := []string{}
	for _, d := range []registry.Descriptor{
		statement("vulns", "sbom", "2026-11-06T00:00:00Z"), statement("vulns", "", "2026-11-05T00:00:00Z"), statement("vulns", "vulns",
			"2026-11-04T00:00:00Z"),
		statement("sbom", "", "2026-11-03T00:00:00Z"), statement("sbom", "sbom", "2026-11-02T00:00:00Z"), statement("sbom", "sbom",
			"2026-11-01T00:00:00Z"),
	} {
		want = append(want, d.Digest.String())
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

// Ten thousand younger pieces of a stranger's hide the real one: that is ErrLimit, never "none". By type it is found.
func TestStrangersHide(t *testing.T) {
	const strangers = 10_000
	var list ocispec.Index
	list.SchemaVersion, list.MediaType = 2, ocispec.MediaTypeImageIndex
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/referrers/") || len(list.Manifests) == 0 {
				next.ServeHTTP(w, r)
				return
			}
			page := 0
			_, _ = fmt.Sscanf(r.URL.RawQuery, "page=%d", &page)
			part := list
			part.Manifests = list.Manifests[page*1000 : min(len(list.Manifests), page*1000+1000)]
			if page*1000+1000 < len(list.Manifests) {
				w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, r.URL.Path, page+1))
			}
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			_, _ = w.Write(asJSON(t, part))
		})
	}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	real, err := repo.Attach(t.Context(), image, statement("sbom", "sbom", "2026-11-01T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	// One manifest of the stranger's stands for many: the registry lists it under as many digests, which nobody has.
	for i := range strangers {
		list.Manifests = append(list.Manifests, registry.Descriptor{
			MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(fmt.Sprint(i)), Size: 500, ArtifactType: bundleType,
			Annotations: map[string]string{
				"dev.sigstore.bundle.predicateType": "vulns",
				"org.opencontainers.image.created":  time.Date(2026, 11, 2, 0, 0, i, 0, time.UTC).Format(time.RFC3339),
			},
		})
	}
	list.Manifests = append(list.Manifests, real...)
	ended := error(nil)
	n := 0
	for d, err := range repo.Evidence(t.Context(), image) {
		if n++; d.Digest == "" {
			ended = err
		}
	}
	if !errors.Is(ended, registry.ErrLimit) || n != 1024+1 {
		t.Errorf("the end is %v, after %d", ended, n)
	}
	var found []string
	for d, err := range repo.Of("sbom").Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, d.Digest.String())
	}
	if diff := cmp.Diff([]string{statement("sbom", "sbom", "2026-11-01T00:00:00Z").Digest.String()}, found); diff != "" {
		t.Error(diff)
	}
}

// Two that prune the same at once, or one after a crash, find manifests listed that are gone: that is no error, and they are
// not listed any more.
func TestPruneWhatIsGone(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	attached, err := repo.Attach(t.Context(), image, content("one"), content("two"))
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete,
		"http://"+s.Host()+"/v2/demo/app/manifests/"+attached[0].Digest.String(), nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if _, err := repo.Prune(t.Context(), image, nil, attached[0]); err != nil {
		t.Error(err)
	}
	if got := read(t.Context(), repo, image); got.err() != nil || !slices.Equal(got.texts, []string{"two"}) {
		t.Error(got)
	}
}

// Several pipelines replace the same at once: each leaves its own, and what was replaced is gone.
func TestReplaceAtOnce(t *testing.T) {
	for name, quirks := range map[string][]registrytest.Quirk{"API": nil, "fallback": {registrytest.NoReferrers(404)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.Start(&registrytest.Options{Quirks: quirks})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", nil)
			image := pushImage(t, repo, "app")
			if _, err := repo.Attach(t.Context(), image, content("old"), content("other")); err != nil {
				t.Fatal(err)
			}
			g := new(errgroup.Group)
			want := []string{"other"}
			for i := range 4 {
				text := fmt.Sprint("new ", i)
				want = append(want, text)
				g.Go(func() error {
					_, err := open(t, s.Host()+"/demo/app", nil).Replace(t.Context(), image, content(text), content("old"))
					return err
				})
			}
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
			slices.Sort(want)
			if got := read(t.Context(), repo, image); got.err() != nil || !slices.Equal(got.texts, want) {
				t.Error(got)
			}
		})
	}
}

// What is under cosign's tags is not removed, and whoever reads it is told so.
func TestPruneLeavesCosignTags(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{CosignTags: true})
	image := pushImage(t, repo, "app")
	if err := repo.AttachCosign(t.Context(), image, envelope("old")); err != nil {
		t.Fatal(err)
	}
	if removed, err := repo.Prune(t.Context(), image, nil, envelope("old")); !errors.Is(err, registry.ErrUnsupported) || len(removed) != 0 {
		t.Error(removed, err)
	}
	if got := read(t.Context(), repo, image); got.err() != nil || len(got.texts) != 1 {
		t.Error(got)
	}
}
