package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha3"
	"errors"
	"fmt"
	"net"
	"strings"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/ladingdev/lading/internal/awsarn"
	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/internal/scheme/signing"
	"github.com/ladingdev/lading/sign"
)

// AWSClient is what is used of github.com/aws/aws-sdk-go-v2/service/kms, whose Client it is.
type AWSClient interface {
	GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
	Sign(context.Context, *kms.SignInput, ...func(*kms.Options)) (*kms.SignOutput, error)
}

// NewAWS returns a key of AWS KMS: by its id or ARN, or by an alias ("alias/release") or its ARN. An ARN's region takes
// precedence over the client's. Errors are those of [Open].
func NewAWS(ctx context.Context, client AWSClient, id string) (sign.Key, error) {
	want, err := parseKeyID(id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &id}, want.in)
	if err != nil {
		return nil, fmt.Errorf("kms: public key of %s: %w", id, awsError(err))
	}
	k := &awsKey{client: client, arn: aws.ToString(out.KeyId)}
	if k.id, err = parseKeyID(k.arn); err != nil || k.id.region == "" || k.id.alias || !want.matches(k.id) {
		return nil, fmt.Errorf("kms: %w: asked for %s, AWS KMS answered for %.256q", sign.ErrKey, id, k.arn)
	}
	if out.KeyUsage != types.KeyUsageTypeSignVerify {
		return nil, fmt.Errorf("kms: %w: %s is for %s", sign.ErrKey, k.arn, out.KeyUsage)
	}
	if k.pub, err = parsePublic(out.KeySpec, out.PublicKey); err != nil {
		return nil, fmt.Errorf("kms: %w: %s: %w", sign.ErrKey, k.arn, err)
	}
	return k, nil
}

// parsePublic reads the public key of a key of this type, if it is one that the formats have a place for.
func parsePublic(spec types.KeySpec, der []byte) (crypto.PublicKey, error) {
	bits, ok := map[types.KeySpec]int{
		types.KeySpecEccNistP256: 256, types.KeySpecEccNistP384: 384, types.KeySpecEccNistP521: 521,
		types.KeySpecRsa2048: 2048, types.KeySpecRsa3072: 3072, types.KeySpecRsa4096: 4096,
		types.KeySpecEccNistEdwards25519: 8 * ed25519.PublicKeySize,
		types.KeySpecMlDsa44:             8 * mldsa.MLDSA44PublicKeySize, types.KeySpecMlDsa65: 8 * mldsa.MLDSA65PublicKeySize,
		types.KeySpecMlDsa87: 8 * mldsa.MLDSA87PublicKeySize,
	}[spec]
	if !ok {
		return nil, fmt.Errorf("keys of type %s do not sign here", spec)
	}
	pub, err := mldsax509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	got, edwards := 0, false
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		got = pub.Curve.Params().BitSize
	case *rsa.PublicKey:
		got = pub.N.BitLen()
	case ed25519.PublicKey:
		got, edwards = 8*len(pub), true
	case *mldsa.PublicKey: // no other type has as many
		got = 8 * len(pub.Bytes())
	}
	if got != bits || edwards != (spec == types.KeySpecEccNistEdwards25519) {
		return nil, fmt.Errorf("its public key is a %T of %d bits, not one of type %s", pub, got, spec)
	}
	return pub, nil
}

// awsKey is a key that was found: from here on it is called by its ARN.
type awsKey struct {
	client AWSClient
	arn    string
	id     keyID
	pub    crypto.PublicKey
}

func (k *awsKey) Public() crypto.PublicKey { return k.pub }

func (k *awsKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	algorithm, err := algorithmFor(k.pub, opts)
	messageType, message := types.MessageTypeDigest, data
	pub, isMLDSA := k.pub.(*mldsa.PublicKey)
	switch h := opts.HashFunc(); {
	case err != nil:
	case isMLDSA:
		messageType, message = types.MessageTypeExternalMu, externalMu(pub, data)
	case h == 0 && len(data) > maxAWSMessage:
		return nil, fmt.Errorf("kms: %w: AWS KMS signs at most %d bytes with Ed25519, and these are %d: sign with a P-256 key "+
			"(ECC_NIST_P256), "+
			"which gets a digest", sign.ErrLimit, maxAWSMessage, len(data))
	case h == 0:
		messageType = types.MessageTypeRaw
	case len(data) != h.Size():
		err = fmt.Errorf("a digest of %d bytes for %v", len(data), h)
	}
	if err != nil {
		return nil, fmt.Errorf("kms: %w: %w", sign.ErrKey, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := k.client.Sign(ctx, &kms.SignInput{
		KeyId:            &k.arn,
		Message:          message,
		MessageType:      messageType,
		SigningAlgorithm: algorithm,
	}, k.id.in)
	if err != nil {
		return nil, fmt.Errorf("kms: sign with %s: %w", k.arn, awsError(err))
	}
	if !signing.Holds(k.pub, data, out.Signature, opts) {
		return nil, fmt.Errorf("kms: %s: %w", k.arn, sign.ErrSignature)
	}
	return out.Signature, nil
}

// externalMu is what an ML-DSA key signs of a message, so that the message need not travel however long it is (FIPS 204,
// algorithm 7, line 6, and algorithm 2, line 10, pure and with an empty context).
func externalMu(pub *mldsa.PublicKey, message []byte) []byte {
	h := sha3.NewSHAKE256()
	_, _ = h.Write(sha3.SumSHAKE256(pub.Bytes(), 64))
	_, _ = h.Write([]byte{0, 0}) // pure; no context
	_, _ = h.Write(message)
	mu := make([]byte, 64)
	_, _ = h.Read(mu)
	return mu
}

// maxAWSMessage is the most that Sign of AWS KMS takes (API reference, Sign, "Message"), in bytes.
const maxAWSMessage = 4096

// algorithmFor returns what AWS KMS calls the signature that is asked for.
func algorithmFor(pub crypto.PublicKey, opts crypto.SignerOpts) (types.SigningAlgorithmSpec, error) {
	h := opts.HashFunc()
	if _, ok := pub.(ed25519.PublicKey); ok {
		if h != 0 {
			return "", errors.New("Ed25519 signs messages, not digests")
		}
		return types.SigningAlgorithmSpecEd25519Sha512, nil
	}
	if _, ok := pub.(*mldsa.PublicKey); ok {
		if h != 0 {
			return "", errors.New("ML-DSA signs messages, not digests")
		}
		return types.SigningAlgorithmSpecMlDsaShake256, nil
	}
	switch h {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	case 0:
		return "", errors.New("AWS KMS signs digests with such a key, not messages")
	default:
		return "", fmt.Errorf("AWS KMS has no %v", h)
	}
	suffix := fmt.Sprintf("_SHA_%d", 8*h.Size())
	if pub, ok := pub.(*ecdsa.PublicKey); ok {
		bits := pub.Curve.Params().BitSize
		if h != map[int]crypto.Hash{256: crypto.SHA256, 384: crypto.SHA384, 521: crypto.SHA512}[bits] {
			return "", fmt.Errorf("AWS KMS does not sign %v with a P-%d key", h, bits)
		}
		return types.SigningAlgorithmSpec("ECDSA" + suffix), nil
	}
	pss, ok := opts.(*rsa.PSSOptions)
	if !ok {
		return types.SigningAlgorithmSpec("RSASSA_PKCS1_V1_5" + suffix), nil
	}
	if pss.SaltLength != rsa.PSSSaltLengthEqualsHash && pss.SaltLength != h.Size() {
		return "", errors.New("AWS KMS salts with as many bytes as the hash has")
	}
	return types.SigningAlgorithmSpec("RSASSA_PSS" + suffix), nil
}

// awsError says which of our errors an error of the client is.
func awsError(err error) error {
	switch awserror.Code(err) {
	case "NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException", "InvalidArnException",
		"UnsupportedOperationException":
		return fmt.Errorf("%w: %w", sign.ErrKey, err)
	}
	switch {
	case awserror.Throttled(err):
		return fmt.Errorf("%w: %w", sign.ErrThrottled, err)
	case awserror.Denied(err):
		return fmt.Errorf("%w: %w", sign.ErrDenied, err)
	}
	return err
}

// keyID is what the text that names a key says.
type keyID struct {
	account string // partition, region and account, if it is an ARN
	region  string // if it is an ARN
	name    string // "alias/NAME", or the key's id
	alias   bool
}

// in makes a call go to the key's region.
func (k keyID) in(o *kms.Options) {
	if k.region != "" {
		o.Region = k.region
	}
}

// matches tells whether the answer may be about the key that was asked for. What an alias points to cannot be known.
func (k keyID) matches(arn keyID) bool {
	return (k.account == "" || k.account == arn.account) && (k.alias || k.name == arn.name)
}

// parseKeyID takes the key identifiers of AWS KMS's developer guide, "Key identifiers (KeyId)". Ids are taken as the service
// makes them or may: letters, digits and hyphens.
func parseKeyID(text string) (keyID, error) {
	bad := func(why string) (keyID, error) {
		return keyID{}, fmt.Errorf("kms: %w: %.128q: %s", ErrReference, text, why)
	}
	k := keyID{name: text}
	if len(text) > 2048 { // the service's own limit
		return bad("too long")
	}
	if strings.HasPrefix(text, "arn:") {
		arn, err := awsarn.Parse(text)
		if err != nil || arn.Service != "kms" {
			return bad("no ARN of AWS KMS")
		}
		k.region, k.account = arn.Region, arn.Partition+":"+arn.Region+":"+arn.Account
		id, isKey := strings.CutPrefix(arn.Resource, "key/")
		if k.name = id; !isKey && !strings.HasPrefix(id, "alias/") {
			return bad("an ARN of neither key nor alias")
		} else if isKey && strings.HasPrefix(id, "alias/") {
			return bad("both key and alias")
		}
	}
	if name, ok := strings.CutPrefix(k.name, "alias/"); ok {
		k.alias = true
		if name == "" || len(name) > 250 || !only(name, lower+upper+digits+"/_-") {
			return bad("no name of an alias")
		}
		return k, nil
	}
	if k.name == "" || !only(k.name, lower+upper+digits+"-") {
		return bad("no id of a key")
	}
	return k, nil
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func only(s, alphabet string) bool { return strings.Trim(s, alphabet) == "" }

// isHost tells whether text is a host, with or without port, or nothing.
func isHost(text string) bool {
	const name = lower + upper + digits + ".-"
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return only(text, name)
	}
	return host != "" && port != "" && only(port, digits) && (only(host, name) || net.ParseIP(host) != nil)
}
