// Package sigstorekms opens keys in the key management services that github.com/sigstore/sigstore has providers for: Google Cloud
// KMS, Azure Key Vault, HashiCorp Vault and OpenBao. It is a module of its own, since that library brings protocol buffers and
// more, which who signs with AWS KMS (package sign/kms) does not need. Import the provider, which brings the service's libraries
// into your program, and [Open] knows its references, beside those of AWS:
//
//	import _ "github.com/sigstore/sigstore/pkg/signature/kms/gcp" // gcpkms://
//	import _ "github.com/sigstore/sigstore/pkg/signature/kms/azure" // azurekms://
//	import _ "github.com/sigstore/sigstore/pkg/signature/kms/hashivault" // hashivault:// and openbao://
//
//	key, err := sigstorekms.Open(ctx, "gcpkms://projects/acme/locations/global/keyRings/release/cryptoKeys/images")
//	signer := &sign.BundleSigner{Key: key}
//
// A reference of a scheme whose provider is not in the program is [kms.ErrReference]. Open never runs a plugin program from PATH,
// as that library by itself would. [FromSigstore] takes a signer that you made.
//
// Each call of a service ends after a minute, its retries included, or earlier by its context. Providers that do not heed their
// context keep the timeouts of their own clients.
//
// Vault and OpenBao: when the key is rotated, a key that is open goes on signing with the version whose public key it has, as one
// of AWS does when its alias moves; open it again for the new one, and trust both meanwhile. If the old version may no longer
// sign (min_encryption_version), the service's error says so. RSA keys sign by PKCS #1 v1.5 alone, since the provider asks for
// nothing else: Sigstore's formats, not those of Notary Project, for which the error is [sign.ErrKey]; P-256, P-384 and P-521
// sign both.
package sigstorekms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ladingdev/lading/internal/scheme/signing"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/sigstore/sigstore/pkg/signature"
	sigstore "github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// callTimeout ends each call that a service does not answer; clients by themselves wait for ever.
const callTimeout = time.Minute

// Open returns the key that a reference names: that of a provider of github.com/sigstore/sigstore which the program imports, and
// awskms:// by [kms.Open]. See the package comment.
//
// It reads the environment, as the provider does. Errors are [kms.ErrReference] and those of the provider.
func Open(ctx context.Context, uri string) (sign.Key, error) {
	if strings.HasPrefix(uri, "awskms://") {
		return kms.Open(ctx, uri)
	}
	// kms.Get runs a plugin program for a URI that matches no registered scheme; refuse it here. Providers are never removed, so a
	// match here is a match there.
	if !slices.ContainsFunc(sigstore.SupportedProviders(), func(scheme string) bool { return strings.HasPrefix(uri, scheme) }) {
		scheme, _, found := strings.Cut(uri, "://")
		if !found {
			return nil, fmt.Errorf("sigstorekms: %w: %.128q has no scheme", kms.ErrReference, uri)
		}
		if name := providers[scheme]; name != "" {
			return nil, fmt.Errorf("sigstorekms: %w: %.32q: its provider is not imported: import _ %q", kms.ErrReference, scheme,
				providerPath+name)
		}
		return nil, fmt.Errorf("sigstorekms: %w: %.32q: no provider for it is imported", kms.ErrReference, scheme)
	}
	sv, err := sigstore.Get(ctx, uri, crypto.SHA256) // the hash of what does not say otherwise; FromSigstore always does
	if err != nil {
		return nil, fmt.Errorf("sigstorekms: %w", err)
	}
	return FromSigstore(ctx, sv)
}

// The providers of sigstore/sigstore, by scheme.
var providers = map[string]string{"gcpkms": "gcp", "azurekms": "azure", "hashivault": "hashivault", "openbao": "hashivault"}

const providerPath = "github.com/sigstore/sigstore/pkg/signature/kms/"

// FromSigstore makes any signer of github.com/sigstore/sigstore a [sign.Key], such as one of its KMS providers. It asks once
// for the public key. Where the service has versions of a key and tells which one signed, as Vault and OpenBao do, the key
// stays with the version of that public key, also when it is rotated.
//
// Such signers choose hash and padding by themselves, some without regard to what is asked. So every signature is
// verified here, with the hash and padding that were asked for, before it is returned: one that does not hold is
// [sign.ErrSignature], and [sign.ErrKey] too if it is the padding.
func FromSigstore(ctx context.Context, sv signature.SignerVerifier) (sign.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	pub, err := sv.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("sigstorekms: public key: %w", err)
	}
	return &sigstoreKey{sv: sv, pub: pub}, nil
}

type sigstoreKey struct {
	sv  signature.SignerVerifier
	pub crypto.PublicKey

	version atomic.Uint64 // of the key whose public key is pub; zero until a signature told it
}

func (k *sigstoreKey) Public() crypto.PublicKey { return k.pub }

func (k *sigstoreKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h := opts.HashFunc(); h != 0 && len(data) != h.Size() {
		return nil, fmt.Errorf("sigstorekms: %w: a digest of %d bytes for %v", sign.ErrKey, len(data), h)
	}
	sig, used, err := k.sign(ctx, data, opts, k.version.Load())
	if err != nil {
		return nil, err
	}
	if !signing.Holds(k.pub, data, sig, opts) {
		if err := otherPadding(k.pub, data, sig, opts); err != nil {
			return nil, err
		}
		if sig, used = k.signEarlier(ctx, data, opts, used); sig == nil {
			return nil, fmt.Errorf("sigstorekms: %w; if the key was rotated since it was opened, open it again", sign.ErrSignature)
		}
	}
	if used != 0 {
		k.version.Store(used)
	}
	return sig, nil
}

// sign returns a signature, and the version of the key that made it, or zero if the service does not tell. Version zero is
// the newest.
func (k *sigstoreKey) sign(ctx context.Context, data []byte, opts crypto.SignerOpts, version uint64) ([]byte, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var text string
	with := []signature.SignOption{options.WithContext(ctx), options.WithCryptoSignerOpts(opts), options.ReturnKeyVersionUsed(&text)}
	if version != 0 {
		with = append(with, options.WithKeyVersion(strconv.FormatUint(version, 10)))
	}
	message := bytes.NewReader(data)
	if opts.HashFunc() != 0 {
		with = append(with, options.WithDigest(data))
		message = bytes.NewReader(nil)
	}
	sig, err := k.sv.SignMessage(message, with...)
	if err != nil {
		return nil, 0, fmt.Errorf("sigstorekms: %w", err)
	}
	used, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(text, "vault:v"), ":"), 10, 64) // as transit engines write it
	if err != nil {
		used = 0
	}
	return sig, used, nil
}

// maxEarlier is how many versions back a key is looked for that was rotated between its opening and its first signature.
const maxEarlier = 8

// signEarlier returns what an earlier version of the key than one that does not match made, or nil.
func (k *sigstoreKey) signEarlier(ctx context.Context, data []byte, opts crypto.SignerOpts, newest uint64) ([]byte, uint64) {
	if k.version.Load() != 0 { // asked for, and yet another one signed
		return nil, 0
	}
	for back := uint64(1); back <= maxEarlier && back < newest; back++ {
		sig, used, err := k.sign(ctx, data, opts, newest-back)
		if err != nil { // no longer there, most likely
			return nil, 0
		}
		if signing.Holds(k.pub, data, sig, opts) {
			return sig, used
		}
	}
	return nil, 0
}

// otherPadding returns an error if an RSA signature holds with the other padding than was asked for: the signer has one.
func otherPadding(pub crypto.PublicKey, data, sig []byte, opts crypto.SignerOpts) error {
	if _, ok := pub.(*rsa.PublicKey); !ok {
		return nil
	}
	has, other := "PKCS #1 v1.5", crypto.SignerOpts(opts.HashFunc())
	if _, pss := opts.(*rsa.PSSOptions); !pss {
		has, other = "PSS", &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: opts.HashFunc()}
	}
	if !signing.Holds(pub, data, sig, other) {
		return nil
	}
	return fmt.Errorf("sigstorekms: %w: %w: the signer pads by %s, whatever is asked", sign.ErrKey, sign.ErrSignature, has)
}
