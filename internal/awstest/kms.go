package awstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	mldsax509 "filippo.io/mldsa/x509"
	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

type kmsState struct {
	keys    []*kmsKey
	aliases map[string]*kmsKey // by ARN
}

type kmsKey struct {
	arn, id, region string
	spec            kmstypes.KeySpec
	usage           kmstypes.KeyUsageType
	state           kmstypes.KeyState
	private         crypto.Signer // nil if the type cannot be had here
	spki            []byte
	algorithms      []kmstypes.SigningAlgorithmSpec
}

// A Key of KMS, as [Server.CreateKey] makes it.
type Key struct {
	Spec   kmstypes.KeySpec      // empty means ECC_NIST_P256
	Usage  kmstypes.KeyUsageType // empty means SIGN_VERIFY
	State  kmstypes.KeyState     // empty means Enabled
	Region string                // empty means the server's

	MultiRegion bool // so that ReplicateKey takes it
}

// CreateKey makes a key and returns its ARN. It has signing keys of all types but SM2; an ECC_SECG_P256K1 key
// shows a public key and cannot sign, a symmetric one has none to show.
func (s *Server) CreateKey(k Key) (string, error) {
	if k.Spec == "" {
		k.Spec = kmstypes.KeySpecEccNistP256
	}
	if k.Usage == "" {
		k.Usage = kmstypes.KeyUsageTypeSignVerify
	}
	if k.State == "" {
		k.State = kmstypes.KeyStateEnabled
	}
	if k.Region == "" {
		k.Region = s.opts.Region
	}
	id := rand.Text()
	id = strings.ToLower(id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:])
	if k.MultiRegion {
		id = "mrk-" + strings.ReplaceAll(id, "-", "")
	}
	key := &kmsKey{arn: s.arn("kms", k.Region, "key/"+id), id: id, region: k.Region, spec: k.Spec, usage: k.Usage, state: k.State}
	var err error
	switch k.Spec {
	case kmstypes.KeySpecRsa2048, kmstypes.KeySpecRsa3072, kmstypes.KeySpecRsa4096:
		bits := map[kmstypes.KeySpec]int{kmstypes.KeySpecRsa2048: 2048, kmstypes.KeySpecRsa3072: 3072, kmstypes.KeySpecRsa4096: 4096}
		key.private, err = rsa.GenerateKey(rand.Reader, bits[k.Spec])
		// PSS first: who takes the first of the list gets another padding than they may want.
		key.algorithms = []kmstypes.SigningAlgorithmSpec{
			kmstypes.SigningAlgorithmSpecRsassaPssSha256, kmstypes.SigningAlgorithmSpecRsassaPssSha384,
			kmstypes.SigningAlgorithmSpecRsassaPssSha512,
			kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha256, kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha384,
			kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha512,
		}
	case kmstypes.KeySpecEccNistP256:
		key.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		key.algorithms = []kmstypes.SigningAlgorithmSpec{kmstypes.SigningAlgorithmSpecEcdsaSha256}
	case kmstypes.KeySpecEccNistP384:
		key.private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		key.algorithms = []kmstypes.SigningAlgorithmSpec{kmstypes.SigningAlgorithmSpecEcdsaSha384}
	case kmstypes.KeySpecEccNistP521:
		key.private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		key.algorithms = []kmstypes.SigningAlgorithmSpec{kmstypes.SigningAlgorithmSpecEcdsaSha512}
	case kmstypes.KeySpecEccNistEdwards25519:
		_, key.private, err = ed25519.GenerateKey(rand.Reader)
		key.algorithms = []kmstypes.SigningAlgorithmSpec{kmstypes.SigningAlgorithmSpecEd25519Sha512,
			kmstypes.SigningAlgorithmSpecEd25519PhSha512}
	case kmstypes.KeySpecMlDsa44, kmstypes.KeySpecMlDsa65, kmstypes.KeySpecMlDsa87:
		sizes := map[kmstypes.KeySpec]mldsa.Parameters{kmstypes.KeySpecMlDsa44: mldsa.MLDSA44(), kmstypes.KeySpecMlDsa65: mldsa.MLDSA65(),
			kmstypes.KeySpecMlDsa87: mldsa.MLDSA87()}
		key.private, err = mldsa.GenerateKey(sizes[k.Spec])
		key.algorithms = []kmstypes.SigningAlgorithmSpec{kmstypes.SigningAlgorithmSpecMlDsaShake256}
	case kmstypes.KeySpecEccSecgP256k1:
		key.spki, err = hex.DecodeString(secp256k1)
		key.algorithms = []kmstypes.SigningAlgorithmSpec{kmstypes.SigningAlgorithmSpecEcdsaSha256}
	case kmstypes.KeySpecSymmetricDefault:
		key.usage = kmstypes.KeyUsageTypeEncryptDecrypt
	default:
		return "", fmt.Errorf("awstest: no keys of type %s", k.Spec)
	}
	if err == nil && key.private != nil {
		key.spki, err = mldsax509.MarshalPKIXPublicKey(key.private.Public())
	}
	if err != nil {
		return "", fmt.Errorf("awstest: %w", err)
	}
	if key.usage != kmstypes.KeyUsageTypeSignVerify {
		key.algorithms = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kms.keys = append(s.kms.keys, key)
	return key.arn, nil
}

// ReplicateKey makes a multi-region key a key of another region too, and returns its ARN there.
func (s *Server) ReplicateKey(keyARN, region string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kms.keys {
		if k.arn == keyARN && strings.HasPrefix(k.id, "mrk-") {
			replica := *k
			replica.region, replica.arn = region, s.arn("kms", region, "key/"+k.id)
			s.kms.keys = append(s.kms.keys, &replica)
			return replica.arn, nil
		}
	}
	return "", fmt.Errorf("awstest: no multi-region key %s", keyARN)
}

// secp256k1 is the public key whose private key is one: the curve's base point (SEC 2, section 2.4.1).
const secp256k1 = "3056301006072a8648ce3d020106052b8104000a03420004" +
	"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
	"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"

// SetAlias points an alias, such as "alias/release", to a key, in the key's region.
func (s *Server) SetAlias(alias, keyARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kms.keys {
		if k.arn == keyARN {
			if s.kms.aliases == nil {
				s.kms.aliases = map[string]*kmsKey{}
			}
			s.kms.aliases[s.arn("kms", k.region, alias)] = k
			return nil
		}
	}
	return fmt.Errorf("awstest: no key %s", keyARN)
}

// SetKeyState disables a key, or whatever else KMS knows.
func (s *Server) SetKeyState(keyARN string, state kmstypes.KeyState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kms.keys {
		if k.arn == keyARN {
			k.state = state
			return nil
		}
	}
	return fmt.Errorf("awstest: no key %s", keyARN)
}

// Signer returns the key itself, for tests that make a certificate for it. It is nil if there is none.
func (s *Server) Signer(keyARN string) crypto.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kms.keys {
		if k.arn == keyARN {
			return k.private
		}
	}
	return nil
}

// kmsKey finds a key by id, ARN, alias or the alias's ARN, as KMS does: all in one region.
func (s *Server) kmsKey(region, id string) (kmsKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" || len(id) > 2048 {
		return kmsKey{}, failed("ValidationException", "1 validation error detected: Value at 'keyId' failed to satisfy constraint")
	}
	arn := id
	switch {
	case strings.HasPrefix(id, "arn:"):
		if f := strings.SplitN(id, ":", 6); len(f) != 6 || f[2] != "kms" || f[3] != region {
			return kmsKey{}, failed("NotFoundException", "Invalid arn %s", id)
		}
	case strings.HasPrefix(id, "alias/"):
		arn = s.arn("kms", region, id)
	default:
		arn = s.arn("kms", region, "key/"+id)
	}
	if k := s.kms.aliases[arn]; k != nil {
		return *k, nil
	}
	for _, k := range s.kms.keys {
		if k.arn == arn {
			return *k, nil
		}
	}
	return kmsKey{}, failed("NotFoundException", "Key '%s' does not exist", arn)
}

func (s *Server) kmsOperation(name string) handler {
	var call func(k kmsKey, r *request) (smithy.Serializable, error)
	switch name {
	case "GetPublicKey":
		call = s.getPublicKey
	case "DescribeKey":
		call = s.describeKey
	case "Sign":
		call = s.sign
	default:
		return nil
	}
	return func(r *request) ([]byte, error) {
		var in struct{ KeyId string }
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		k, err := s.kmsKey(r.Region, in.KeyId)
		if err != nil {
			return nil, err
		}
		out, err := call(k, r)
		if err != nil {
			return nil, err
		}
		return encode(out)
	}
}

// usable says why a key cannot be used.
func (k *kmsKey) usable() error {
	switch k.state {
	case kmstypes.KeyStateEnabled:
		return nil
	case kmstypes.KeyStateDisabled:
		return failed("DisabledException", "%s is disabled.", k.arn)
	}
	return failed("KMSInvalidStateException", "%s is %s.", k.arn, k.state)
}

func (s *Server) getPublicKey(k kmsKey, _ *request) (smithy.Serializable, error) {
	if err := k.usable(); err != nil {
		return nil, err
	}
	if k.spki == nil {
		return nil, failed("UnsupportedOperationException", "%s key spec is %s which is not valid for GetPublicKey.", k.arn, k.spec)
	}
	out := &awskms.GetPublicKeyOutput{KeyId: aws.String(k.arn), KeySpec: k.spec,
		KeyUsage: k.usage, PublicKey: k.spki, SigningAlgorithms: k.algorithms}
	return out, nil
}

func (s *Server) describeKey(k kmsKey, _ *request) (smithy.Serializable, error) {
	created := s.opts.Now().Truncate(time.Second)
	out := &awskms.DescribeKeyOutput{KeyMetadata: &kmstypes.KeyMetadata{Arn: aws.String(k.arn), KeyId: aws.String(k.id),
		AWSAccountId: aws.String(s.opts.Account), CreationDate: &created, Enabled: k.state == kmstypes.KeyStateEnabled,
		KeyManager: kmstypes.KeyManagerTypeCustomer, KeySpec: k.spec, KeyState: k.state, KeyUsage: k.usage,
		Origin: kmstypes.OriginTypeAwsKms, SigningAlgorithms: k.algorithms}}
	return out, nil
}

// sign follows the API reference of KMS: the algorithm must be one of the key's, and with DIGEST the message is a digest
// of its length.
func (s *Server) sign(k kmsKey, r *request) (smithy.Serializable, error) {
	var in struct {
		Message          []byte
		MessageType      string
		SigningAlgorithm kmstypes.SigningAlgorithmSpec
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	if k.usage != kmstypes.KeyUsageTypeSignVerify || !slices.Contains(k.algorithms, in.SigningAlgorithm) {
		return nil, failed("InvalidKeyUsageException", "%s key usage is %s which is not valid for Sign with %s.", k.arn, k.usage,
			in.SigningAlgorithm)
	}
	if len(in.Message) == 0 || len(in.Message) > 4096 {
		return nil, failed("ValidationException", "a message of %d bytes", len(in.Message))
	}
	if in.SigningAlgorithm == kmstypes.SigningAlgorithmSpecMlDsaShake256 {
		return signMLDSA(k, in.Message, in.MessageType)
	}
	text := string(in.SigningAlgorithm)
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[text[max(0, len(text)-3):]]
	digest := in.Message
	switch in.MessageType {
	case "", "RAW":
		if in.SigningAlgorithm == kmstypes.SigningAlgorithmSpecEd25519PhSha512 {
			return nil, failed("ValidationException", "MessageType RAW is not valid for %s", text)
		}
		h := hash.New()
		h.Write(in.Message)
		digest = h.Sum(nil)
	case "DIGEST":
		if in.SigningAlgorithm == kmstypes.SigningAlgorithmSpecEd25519Sha512 {
			return nil, failed("ValidationException", "MessageType DIGEST is not valid for %s", text)
		}
		if len(in.Message) != hash.Size() {
			return nil, failed("ValidationException", "Digest is invalid length for algorithm %s.", text)
		}
	default:
		return nil, failed("ValidationException", "MessageType %q", in.MessageType)
	}
	if k.private == nil {
		return nil, failed("KMSInternalException", "no signatures with keys of type %s here", k.spec)
	}
	var opts crypto.SignerOpts = hash
	switch {
	case strings.HasPrefix(text, "RSASSA_PSS"):
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	case in.SigningAlgorithm == kmstypes.SigningAlgorithmSpecEd25519Sha512:
		opts, digest = crypto.Hash(0), in.Message
	case in.SigningAlgorithm == kmstypes.SigningAlgorithmSpecEd25519PhSha512: // the service hashes the digest again
		again := sha512.Sum512(digest)
		digest = again[:]
	}
	sig, err := k.private.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, err
	}
	out := &awskms.SignOutput{KeyId: aws.String(k.arn), Signature: sig, SigningAlgorithm: in.SigningAlgorithm}
	return out, nil
}

// signMLDSA takes a whole message, or what is signed of one (FIPS 204, algorithm 7, line 6), which has 64 bytes.
func signMLDSA(k kmsKey, message []byte, messageType string) (smithy.Serializable, error) {
	var opts crypto.SignerOpts = crypto.Hash(0)
	switch {
	case messageType == "" || messageType == "RAW":
	case messageType == "EXTERNAL_MU" && len(message) == 64:
		opts = mldsacrypto.MLDSAMu
	default:
		return nil, failed("ValidationException", "MessageType %q with %d bytes is not valid for ML_DSA_SHAKE_256", messageType,
			len(message))
	}
	sig, err := k.private.Sign(rand.Reader, message, opts)
	if err != nil {
		return nil, err
	}
	return &awskms.SignOutput{KeyId: aws.String(k.arn), Signature: sig, SigningAlgorithm: kmstypes.SigningAlgorithmSpecMlDsaShake256}, nil
}
