package vsa_test

import (
	"context"
	"iter"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/verify"
)

// source yields a candidate for each attestation.
type source []*verify.Attestation

func (s source) Evidence(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(yield func(verify.Descriptor, error) bool) {
		for range s {
			data := []byte("signature")
			if !yield(verify.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}, nil) {
				return
			}
		}
	}
}

// handsOut proves what it was given, one after another.
type handsOut struct{ as []*verify.Attestation }

var handing sync.Mutex

func (h *handsOut) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	handing.Lock()
	defer handing.Unlock()
	a := h.as[0]
	h.as = h.as[1:]
	return a, nil
}
