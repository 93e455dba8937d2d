package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign"
)

// attacks try to get an image past the gate that should not pass.
type attacks struct {
	*bill
	gate   *policy.Gate
	name   string
	broken *atomic.Bool
}

// An attack sets its trap and names the image that the gate is asked about.
type attack struct {
	what string
	want policy.Verdict
	set  func(ctx context.Context, tag string) error
}

func (a *attacks) run(ctx context.Context) error {
	list := []attack{
		{"an unsigned image, pushed straight to the registry", policy.Deny, a.unsigned},
		{"the tag moved to another image, with the evidence of the first", policy.Deny, a.movedTag},
		{"everything signed, by a key of the attacker's", policy.Deny, a.otherKey},
		{"an SBOM copied from another image", policy.Deny, a.copiedSBOM},
		{"an attestation offered for an image signature", policy.Deny, a.noSignature},
		{"a signature with one byte changed", policy.Deny, a.changedByte},
		{"a registry that fails: who cannot look does not say that nothing is there", policy.Indeterminate, a.failingRegistry},
	}
	for i, attack := range list {
		tag := fmt.Sprintf("attack-%d", i+1)
		if err := attack.set(ctx, tag); err != nil {
			return fmt.Errorf("setting up %q: %w", attack.what, err)
		}
		d := a.gate.Check(ctx, a.name+":"+tag)
		a.p.refused(attack.what, d)
		if d.Verdict != attack.want {
			return fmt.Errorf("%s: the gate says %v, and must say %v", attack.what, d, attack.want)
		}
	}
	a.broken.Store(false)
	return nil
}

// blame returns the first reason why a decision does not allow.
func blame(d *policy.Decision) string {
	for _, part := range d.All() {
		if len(part.Parts) == 0 && part.Verdict == d.Verdict {
			return part.Reason
		}
	}
	return d.Reason
}

// push makes an image that differs from every other and attaches evidence to it.
func (a *attacks) push(ctx context.Context, tag string, evidence ...ocispec.Descriptor) (ocispec.Descriptor, error) {
	image, err := pushImage(ctx, a.repo, tag, map[string][]byte{"service": []byte("not the service: " + tag)})
	if err != nil || len(evidence) == 0 {
		return image, err
	}
	_, err = a.repo.Attach(ctx, image, evidence...)
	return image, err
}

// signed returns what key says of an image: its signature, or predicates that were signed for the first image.
func signed(ctx context.Context, key sign.Key, image ocispec.Descriptor, predicates ...sign.Predicate) ([]ocispec.Descriptor, error) {
	var out []ocispec.Descriptor
	for _, p := range predicates {
		d, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, p))
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (a *attacks) unsigned(ctx context.Context, tag string) error {
	_, err := a.push(ctx, tag)
	return err
}

func (a *attacks) movedTag(ctx context.Context, tag string) error {
	if err := a.repo.Tag(ctx, a.image, tag); err != nil { // the tag was good once
		return err
	}
	_, err := a.push(ctx, tag, a.signature, a.bom, a.built)
	return err
}

func (a *attacks) otherKey(ctx context.Context, tag string) error {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		return err
	}
	image, err := a.push(ctx, tag)
	if err != nil {
		return err
	}
	return a.attachSigned(ctx, key, image, sign.ImageSignature{}, a.document, a.facts)
}

func (a *attacks) copiedSBOM(ctx context.Context, tag string) error {
	image, err := a.push(ctx, tag, a.bom)
	if err != nil {
		return err
	}
	return a.attachSigned(ctx, a.key, image, sign.ImageSignature{}, a.facts)
}

func (a *attacks) noSignature(ctx context.Context, tag string) error {
	image, err := a.push(ctx, tag)
	if err != nil {
		return err
	}
	return a.attachSigned(ctx, a.key, image, a.document, a.facts)
}

func (a *attacks) changedByte(ctx context.Context, tag string) error {
	image, err := a.push(ctx, tag)
	if err != nil {
		return err
	}
	evidence, err := signed(ctx, a.key, image, sign.ImageSignature{}, a.document, a.facts)
	if err != nil {
		return err
	}
	evidence[0] = change(evidence[0])
	_, err = a.repo.Attach(ctx, image, evidence...)
	return err
}

// change returns evidence with one byte of what was signed changed, and a digest to match, as whoever may push can do.
func change(evidence ocispec.Descriptor) ocispec.Descriptor {
	const member = `"payload":"`
	data := slices.Clone(evidence.Data)
	i := bytes.Index(data, []byte(member))
	// Another letter of base64, so that nothing but the signature is wrong.
	if i += len(member) + 8; data[i] == 'A' {
		data[i] = 'B'
	} else {
		data[i] = 'A'
	}
	evidence.Data, evidence.Digest = data, digest.FromBytes(data)
	return evidence
}

func (a *attacks) failingRegistry(ctx context.Context, tag string) error {
	if err := a.repo.Tag(ctx, a.image, tag); err != nil { // with nothing wrong about it
		return err
	}
	a.broken.Store(true)
	return nil
}

func (a *attacks) attachSigned(ctx context.Context, key sign.Key, image ocispec.Descriptor, predicates ...sign.Predicate) error {
	evidence, err := signed(ctx, key, image, predicates...)
	if err != nil {
		return err
	}
	_, err = a.repo.Attach(ctx, image, evidence...)
	return err
}
