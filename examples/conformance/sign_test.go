package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/opencontainers/go-digest"
)

// Without a signing config the services are those of the public instance, or of staging, whatever the trusted root is.
func TestSignEmbedded(t *testing.T) {
	s := keylesstest.Start()
	defer s.Close()
	file := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(file, s.TrustedRoot(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, staging := range []bool{false, true} {
		for _, given := range []string{"", file} {
			root, config, err := (&order{staging: staging, trustedRoot: given}).instance()
			if err != nil {
				t.Fatal(err)
			}
			if fulcio := map[bool]string{false: "https://fulcio.sigstore.dev",
				true: "https://fulcio.sigstage.dev"}[staging]; !bytes.Contains(
				config,
				[]byte(fulcio),
			) {
				t.Errorf("not of %s: %s", fulcio, config)
			}
			if _, err := keyless.ParseInstance(root, config); err != nil || bytes.Equal(root, s.TrustedRoot()) != (given != "") {
				t.Errorf("%v, %d bytes", err, len(root))
			}
		}
		args := []string{"sign-bundle", "--identity-token", s.Token(map[string]any{"sub": "x", "exp": 1}), "--bundle",
			file + ".bundle", file}
		if staging {
			args = append(args[:1:1], append([]string{"--staging"}, args[1:]...)...)
		}
		var said bytes.Buffer
		if got := run(t.Context(), args, &said); got != 1 || !strings.Contains(said.String(), "it expired") { // before anybody is asked
			t.Errorf("exit status %d: %s", got, &said)
		}
	}
}

// What is signed, verifies by the same command line: a file, and a statement, whose bytes are left alone.
func TestSign(t *testing.T) {
	s := keylesstest.Start()
	defer s.Close()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	artifact := write("artifact", []byte("a release"))
	text := []byte("{ \"predicateType\": \"https://example.com/p\",\r\n\t\"predicate\": {}, " +
		"\"subject\": [{\"name\": \"artifact\", \"digest\": {\"sha256\": \"" +
		digest.FromString("a release").Encoded() + "\"}}], \"_type\": \"https://in-toto.io/Statement/v1\" }\n")
	statement, root := write("statement.json", text), write("trusted_root.json", s.TrustedRoot())
	token := s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0"))
	call := func(want int, says string, args ...string) {
		t.Helper()
		var said bytes.Buffer
		if got := run(t.Context(), args, &said); got != want || !strings.Contains(said.String(), says) {
			t.Errorf("%v: exit status %d, not %d: %s", args, got, want, &said)
		}
	}
	for name, log := range map[string]keylesstest.Log{"first": keylesstest.First, "tiles": keylesstest.Tiles} {
		config, bundle := write("signing_config.json", s.SigningConfig(log)), filepath.Join(dir, name)
		signs := func(token string, more ...string) []string {
			return append([]string{"sign-bundle", "--identity-token", token, "--bundle", bundle, "--trusted-root", root,
				"--signing-config", config}, more...)
		}
		verifies := []string{"verify-bundle", "--bundle", bundle, "--trusted-root", root, "--certificate-oidc-issuer", issuer,
			"--certificate-identity", "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0", artifact}
		// What cannot be signed leaves no file.
		call(1, "identity token", signs("x", artifact)...)
		call(1, "statement", signs(token, "--in-toto", artifact)...)
		call(1, "", signs(token, filepath.Join(dir, "nowhere"))...)
		// The embedded roots are of other instances, whose certificates these are not.
		call(1, "", "sign-bundle", "--staging", "--identity-token", token, "--bundle", bundle, "--signing-config", config, artifact)
		if _, err := os.Stat(bundle); !os.IsNotExist(err) {
			t.Errorf("a bundle was written: %v", err)
		}
		call(0, "", signs(token, artifact)...)
		call(0, "log: passed", verifies...)
		call(1, "", append(verifies[:len(verifies)-1:len(verifies)-1], statement)...)
		call(0, "", signs(token, "--in-toto", statement)...)
		call(0, "log: passed", verifies...)
		data, err := os.ReadFile(bundle)
		if err != nil {
			t.Fatal(err)
		}
		var b struct {
			DSSEEnvelope struct{ Payload string } `json:"dsseEnvelope"`
		}
		if err := json.Unmarshal(data, &b); err != nil || b.DSSEEnvelope.Payload != base64.StdEncoding.EncodeToString(text) {
			t.Errorf("not the bytes of the file: %v", err)
		}
	}
}
