package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	dockerImage  = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig = "application/vnd.docker.container.image.v1+json" // go-containerregistry's default
)

// editListing changes the referrers that a registry lists, by the API or in the fallback index, and the header.
func editListing(edit func(h http.Header, entries []registry.Descriptor) []registry.Descriptor) registrytest.Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/referrers/") &&
				!strings.Contains(r.URL.Path, "/manifests/sha256-") {
				next.ServeHTTP(w, r)
				return
			}
			good := httptest.NewRecorder()
			next.ServeHTTP(good, r)
			var list ocispec.Index
			if good.Code != http.StatusOK || json.Unmarshal(good.Body.Bytes(), &list) != nil {
				w.WriteHeader(good.Code)
				return
			}
			list.Manifests = edit(w.Header(), list.Manifests)
			data, _ := json.Marshal(list)
			w.Header().Set("Content-Type", index)
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			_, _ = w.Write(data)
		})
	}
}

// A bundle is found whatever made its manifest and whatever the registry lists: what go-containerregistry and oras leave as
// type when nobody names one, Harbor's lists, which say the configuration's type (goharbor/harbor issue 19867), and none.
func TestListedTypeIsAHint(t *testing.T) {
	t.Parallel()
	listed := map[string]func(config string) string{
		"as it is":       nil,
		"configuration":  func(config string) string { return config },
		"unknown":        func(string) string { return "application/vnd.unknown.artifact.v1" },
		"image":          func(string) string { return ocispec.MediaTypeImageConfig },
		"empty":          func(string) string { return ocispec.MediaTypeEmptyJSON },
		"nothing":        func(string) string { return "" },
		"somebody's own": func(string) string { return "application/vnd.acme.custom" },
	}
	for kind, quirks := range map[string][]registrytest.Quirk{"API": nil, "fallback": {registrytest.NoReferrers(404)}, "layout": nil} {
		for how, typed := range listed {
			if kind == "layout" && typed != nil || !heavy() && kind == "fallback" && typed != nil && how != "configuration" {
				continue
			}
			t.Run(kind+", "+how, func(t *testing.T) {
				t.Parallel()
				var configs sync.Map // by digest of the manifest
				edit := editListing(func(_ http.Header, entries []registry.Descriptor) []registry.Descriptor {
					for i := range entries {
						if typed != nil {
							config, _ := configs.Load(entries[i].Digest)
							entries[i].ArtifactType = typed(fmt.Sprint(config))
						}
					}
					return entries
				})
				var want []string
				var all []registry.Descriptor
				s := registrytest.Start(&registrytest.Options{Quirks: append([]registrytest.Quirk{edit}, quirks...)})
				defer s.Close()
				repo := open(t, s.Host()+"/demo/app", nil)
				if kind == "layout" {
					repo = reopen(t, t.TempDir())
				}
				subject := pushImage(t, repo, "app")
				for _, mediaType := range []string{ocispec.MediaTypeImageManifest, dockerImage} {
					for _, config := range []string{dockerConfig, ocispec.MediaTypeImageConfig, ocispec.MediaTypeEmptyJSON,
						"application/vnd.unknown.config.v1+json", "application/vnd.acme.config"} {
						for _, artifactType := range []string{"", "application/vnd.acme.custom", "application/vnd.unknown.artifact.v1",
							bundleType} {
							text := strings.TrimSpace(strings.Join([]string{mediaType, config, artifactType}, " "))
							m := pushReferrer(t, repo, subject, mediaType, config, artifactType, content(text))
							configs.Store(m.Digest, config)
							all = append(all, m)
							want = append(want, text)
						}
					}
				}
				if err := repo.Repair(t.Context(), subject, all...); err != nil {
					t.Fatal(err)
				}
				slices.Sort(want)
				if got := read(t.Context(), repo, subject); got.err() != nil || !slices.Equal(got.texts, want) {
					t.Errorf("found %d of %d: %v", len(got.texts), len(want), got.err())
				}
			})
		}
	}
}

func pushReferrer(t *testing.T, repo *registry.Repository, subject registry.Descriptor, mediaType, config, artifactType string,
	layer registry.Descriptor) registry.Descriptor {
	t.Helper()
	d := push(t, repo, mediaType, asJSON(t, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: mediaType, ArtifactType: artifactType, Subject: &subject,
		Config: push(t, repo, config, []byte("{}")), Layers: []registry.Descriptor{push(t, repo, layer.MediaType, layer.Data)},
	}))
	d.ArtifactType = artifactType
	if artifactType == "" {
		d.ArtifactType = config
	}
	return d
}

// A layout that another program wrote names Docker's manifests with a subject in index.json alone.
func TestDockerManifestAsReferrerInLayout(t *testing.T) {
	dir := t.TempDir()
	repo := reopen(t, dir)
	subject := pushImage(t, repo, "app")
	m := pushReferrer(t, repo, subject, dockerImage, dockerConfig, "", content("one"))
	data := asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: index, Manifests: []registry.Descriptor{subject, m}, // no fallback index
	})
	if err := os.WriteFile(filepath.Join(dir, ocispec.ImageIndexFile), data, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := read(t.Context(), reopen(t, dir), subject); got.err() != nil || len(got.texts) != 1 {
		t.Error(got)
	}
}

// A list that says that it is filtered, which nobody asked for, is no whole list.
func TestFilteredListing(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{editListing(func(h http.Header,
		entries []registry.Descriptor) []registry.Descriptor {
		h.Set("OCI-Filters-Applied", "artifactType")
		return entries[:0]
	})}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	if got := read(t.Context(), repo, pushImage(t, repo, "app")); !errors.Is(got.err(), registry.ErrMalformed) {
		t.Error(got)
	}
}
