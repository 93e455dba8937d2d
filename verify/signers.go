package verify

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/scheme"
)

// A keyring is what trusted keys come to, found out once: each verification looks them up by the names that evidence uses for them.
type keyring struct {
	keys   []ringKey
	byName map[string][]int
}

type ringKey struct {
	key     crypto.PublicKey
	wanted  []Scheme // TrustedKey.Schemes
	schemes []Scheme // those that count, the ones that hash a message once for all keys first
	id      Identity
}

// ring returns the keyring of v.Keys, or an error for a key that is not used.
func (v *KeyVerifier) ring() (*keyring, error) {
	if r := v.compiled.Load(); r != nil && slices.EqualFunc(r.keys, v.Keys, ringKey.is) {
		return r, nil
	}
	r := &keyring{byName: make(map[string][]int, 3*len(v.Keys))}
	for i, k := range v.Keys {
		schemes, err := k.schemes()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotTrusted, err)
		}
		id, err := k.Identity()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotTrusted, err)
		}
		schemes = slices.Clone(schemes)
		slices.SortStableFunc(schemes, func(a, b Scheme) int { return whole(a) - whole(b) })
		r.keys = append(r.keys, ringKey{key: k.Key, wanted: slices.Clone(k.Schemes), schemes: schemes, id: id})
		for _, name := range []string{id.hint(), id.Key, "sha256:" + id.Key} {
			r.byName[name] = append(r.byName[name], i)
		}
	}
	v.compiled.Store(r)
	return r, nil
}

// whole is 1 for a scheme that takes the message itself.
func whole(s Scheme) int {
	if s.Hash() == 0 {
		return 1
	}
	return 0
}

// is reports whether a trusted key is the one that was compiled.
func (k ringKey) is(t TrustedKey) bool {
	if !slices.Equal(k.wanted, t.Schemes) {
		return false
	}
	a, ok := k.key.(ed25519.PublicKey)
	b, both := t.Key.(ed25519.PublicKey)
	if ok || both { // slices are not comparable
		return ok && both && a.Equal(b)
	}
	return k.key == t.Key
}

// hint is what Sigstore bundles call this key.
func (id Identity) hint() string {
	sum, _ := hex.DecodeString(id.Key)
	return base64.StdEncoding.EncodeToString(sum)
}

// A message is what was signed: its bytes, or, for a file that no key needs whole, digests alone.
type message struct {
	data    []byte
	digests map[crypto.Hash][]byte // as far as they were asked for
	hashed  int                    // bytes, for schemes that take the message whole
	most    int                    // of them
}

func (m *message) digest(h crypto.Hash) []byte {
	if d, ok := m.digests[h]; ok {
		return d
	}
	sum := h.New()
	sum.Write(m.data)
	if m.digests == nil {
		m.digests = make(map[crypto.Hash][]byte)
	}
	m.digests[h] = sum.Sum(nil)
	return m.digests[h]
}

// signed returns what a scheme signs of the message, nil if that is not known.
func (m *message) signed(s Scheme) []byte {
	switch {
	case s.Hash() == 0:
		return m.data
	case m.data == nil:
		return m.digests[s.Hash()]
	}
	return m.digest(s.Hash())
}

// signedBy reports whether a key made a signature, in a way that counts for it. Ed25519 and ML-DSA hash the whole message each
// time, which is bounded.
func (m *message) signedBy(k ringKey, sig []byte) (bool, error) {
	for _, s := range k.schemes {
		if s.Hash() == 0 && len(sig) == s.Size() {
			if m.hashed > 0 && len(m.data) > m.most-m.hashed {
				return false, fmt.Errorf("%w: a message of %d bytes is too large to try every key of Ed25519 and ML-DSA on every "+
					"signature: have its signer named (a hint, a keyid), trust fewer keys, or raise Limits.WholeBytes", ErrLimit,
					len(m.data))
			}
			m.hashed += len(m.data)
		}
		if s.Verify(k.key, m.signed(s), sig) {
			return true, nil
		}
	}
	return false, nil
}

// signers returns the distinct trusted keys that made at least one of the signatures, in the order of Keys. Signatures by
// others are of no consequence, as protocol.md of DSSE has it. One signature is by one key: the keys that the evidence
// names are tried first, and by that alone is a name of consequence.
func (v *KeyVerifier) signers(ctx context.Context, m *message, sigs []dsse.Signature, hint string) ([]Signer, error) {
	ring, err := v.ring()
	if err != nil {
		return nil, err
	}
	made := make([]bool, len(v.Keys))
	for _, sig := range sigs {
		if err := ring.find(ctx, m, sig, hint, made); err != nil {
			return nil, err
		}
	}
	var out []Signer
	var over error
	now := v.now()
	for i, k := range v.Keys {
		if !made[i] {
			continue
		}
		id := ring.keys[i].id
		signer := Signer{Identity: id, Key: id.Key, Name: k.Name, Until: k.Until}
		if k.over(now) {
			over = fmt.Errorf("%w: %s counted until %s", ErrExpired, signer, k.Until.UTC().Format(time.RFC3339))
			continue
		}
		if !slices.ContainsFunc(out, func(s Signer) bool { return s.Identity == id }) { // else the same key, listed twice
			out = append(out, signer)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case over != nil:
		return nil, over
	}
	return nil, v.noSigner(ring, m, sigs, hint)
}

// find marks the key that made a signature, as often as it is listed.
func (r *keyring) find(ctx context.Context, m *message, sig dsse.Signature, hint string, made []bool) error {
	first := r.named(sig, hint)
	for n := range len(first) + len(r.keys) {
		i := n - len(first)
		if n < len(first) {
			i = first[n]
		} else if slices.Contains(first, i) {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrUnchecked, context.Cause(ctx))
		}
		ok, err := m.signedBy(r.keys[i], sig.Sig)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		made[i] = true
		for _, j := range r.byName[r.keys[i].id.Key] { // listed again, it may count for longer
			if j != i && !made[j] {
				if made[j], err = m.signedBy(r.keys[j], sig.Sig); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return nil
}

// named returns the keys that the evidence names for a signature. Nobody signed that.
func (r *keyring) named(sig dsse.Signature, hint string) []int {
	if keys := r.byName[hint]; hint != "" && len(keys) > 0 {
		return keys
	}
	return r.byName[sig.KeyID]
}

// noSigner words a refusal. Hints, which nobody signed, decide nothing else.
func (v *KeyVerifier) noSigner(r *keyring, m *message, sigs []dsse.Signature, hint string) error {
	if len(v.Keys) == 0 {
		return fmt.Errorf("%w: no key is trusted", ErrNotTrusted)
	}
	named := slices.ContainsFunc(sigs, func(s dsse.Signature) bool { return len(r.named(s, hint)) > 0 })
	if hint == "" || named { // else the signer says that it is somebody else
		if err := r.otherScheme(m, sigs, hint); err != nil {
			return err
		}
	}
	if named {
		return fmt.Errorf("%w: it claims to be by a trusted key", ErrTampered)
	}
	return fmt.Errorf("%w: not signed with a trusted key", ErrNotTrusted)
}

// Bounds of the search for a better word than "not trusted": keys times signatures, and bytes to hash once more.
const (
	otherSchemePairs = 16
	otherSchemeBytes = 4 << 20
)

// otherScheme says that a trusted key signed in a way that its owner did not list: one that the evidence names, or any. It is
// looked for as long as that is cheap, and nothing but the wording depends on it.
func (r *keyring) otherScheme(m *message, sigs []dsse.Signature, hint string) error {
	var keys []int
	for _, s := range sigs {
		keys = append(keys, r.named(s, hint)...)
	}
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) == 0 {
		for i := range r.keys {
			keys = append(keys, i)
		}
	}
	if len(keys)*len(sigs) > otherSchemePairs || len(m.data) > otherSchemeBytes {
		return nil
	}
	for _, i := range keys {
		k := r.keys[i]
		fit, _ := scheme.Of(k.key)
		for _, s := range fit {
			if slices.Contains(k.schemes, s) {
				continue // it was tried
			}
			data := m.signed(s)
			if data != nil && slices.ContainsFunc(sigs, func(sig dsse.Signature) bool { return s.Verify(k.key, data, sig.Sig) }) {
				return fmt.Errorf("%w: a trusted key signed it, but by %v, which TrustedKey.Schemes does not list for it", ErrNotTrusted, s)
			}
		}
	}
	return nil
}
