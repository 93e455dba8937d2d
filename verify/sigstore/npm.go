package sigstore

import (
	"fmt"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// NPMAttestations returns the bundles in what npm's registry answers to /-/npm/v1/attestations/PACKAGE@VERSION: one that a key of
// the registry signed, when the package was published, and one of its provenance. They name the package by its SHA-512 digest.
// The type of predicate that stands beside each is signed by nobody, and left out.
func NPMAttestations(answer []byte) ([]verify.Descriptor, error) {
	const most = 64
	r := strictjson.NewReader(answer, strictjson.Limits{})
	var out []verify.Descriptor
	for name := range r.Object("attestations") {
		if string(name) != "attestations" {
			continue
		}
		for i := range r.Array() {
			if i == most {
				r.Fail(fmt.Errorf("more than %d attestations: %w", most, strictjson.ErrLimit))
			}
			for name := range r.Object("bundle", "predicateType") {
				if string(name) == "bundle" {
					out = append(out, bundleDescriptor(r.Raw()))
				}
			}
		}
	}
	if err := r.End(); err != nil {
		return nil, malformed(fmt.Errorf("npm's attestations: %w", err))
	}
	return out, nil
}

// bundleDescriptor describes a bundle of any version.
func bundleDescriptor(data []byte) verify.Descriptor {
	return verify.Descriptor{MediaType: bundle.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
}
