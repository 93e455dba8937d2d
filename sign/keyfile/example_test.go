package keyfile_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"log"
	"strings"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyfile"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// agentKey is an Ed25519 key in an ssh-agent.
type agentKey struct {
	agent agent.Agent
	pub   ed25519.PublicKey
}

func (k agentKey) Public() crypto.PublicKey { return k.pub }

func (k agentKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if opts.HashFunc() != 0 {
		return nil, fmt.Errorf("%w: an agent hashes by itself", sign.ErrKey)
	}
	pub, err := ssh.NewPublicKey(k.pub)
	if err != nil {
		return nil, err
	}
	sig, err := k.agent.Sign(pub, data)
	if err != nil {
		return nil, err
	}
	return sig.Blob, nil
}

// An Ed25519 key in an ssh-agent signs; agentKey is the whole adapter.
func Example_agent() {
	key, err := sign.GenerateKey(sign.Ed25519)
	if err != nil {
		log.Fatal(err)
	}
	keyring := agent.NewKeyring() // agent.NewClient(conn), with a connection to SSH_AUTH_SOCK
	if err := keyring.Add(agent.AddedKey{PrivateKey: key.Signer}); err != nil {
		log.Fatal(err)
	}
	inAgent := agentKey{keyring, key.Public().(ed25519.PublicKey)}
	evidence, err := (&sign.BundleSigner{Key: inAgent}).SignBlob(context.Background(), strings.NewReader("a file"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(evidence.MediaType)
	// Output: application/vnd.dev.sigstore.bundle.v0.3+json
}

func ExampleParse() {
	made, err := sign.GenerateKey(sign.Ed25519)
	if err != nil {
		log.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(made.Signer, "", []byte("secret")) // as ssh-keygen writes it
	if err != nil {
		log.Fatal(err)
	}
	file := pem.EncodeToMemory(block)
	if _, err = keyfile.Parse(file, nil); err != nil {
		fmt.Println(err)
	}
	if _, err := keyfile.Parse(file, []byte("guess")); err != nil {
		fmt.Println(err)
	}
	key, err := keyfile.Parse(file, []byte("secret"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%T\n", key.Public())
	// Output:
	// keyfile: the key is encrypted, and no passphrase is given
	// keyfile: passphrase does not open the key
	// ed25519.PublicKey
}
