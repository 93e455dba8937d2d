package keyless

import (
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/opencontainers/go-digest"
)

// What an instance of our own signs, sigstore-go verifies: so that what is changed in it before it is signed is all that is off.
func TestOwnInstance(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	file := []byte("a file")
	payload := []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + digest.FromBytes(file).Encoded() +
		`"}}],"predicateType":"https://example.com/p","predicate":{}}`)
	for _, tiles := range []bool{false, true} {
		for _, envelope := range []bool{false, true} {
			for _, stamp := range []bool{false, true} {
				instance := sigstoretest.New(at)
				g := sigstoretest.Signing{URI: "https://example.com/w", Issuer: "https://idp.example", At: at, Tiles: tiles,
					Timestamp: stamp, Message: file}
				if envelope {
					g.Payload = payload
				}
				s := sample{bundle: instance.Sign(g), root: instance.TrustedRoot(nil), subject: digest.FromBytes(file)}
				if ours, theirs := s.ours(), s.theirs(); ours != nil || theirs != nil {
					t.Errorf("tiles %v, envelope %v, timestamp %v: ours %v, theirs %v", tiles, envelope, stamp, ours, theirs)
				}
			}
		}
	}
}

// Attacks, alone and in pairs: whatever ours accepts of them, sigstore-go accepts.
func TestAttacks(t *testing.T) {
	attacks := sigstoretest.Attacks()
	count := map[string]int{}
	try := func(of ...sigstoretest.Attack) {
		instance, g := sigstoretest.New(sigstoretest.SignedAt), sigstoretest.Release()
		name := ""
		var funcs sigstoretest.Signing
		for i, a := range of {
			name += a.Name + "; "
			if a.Options.Logs != 0 || a.Options.Timestamps != 0 || a.Options.SCTs != 0 || a.Options.Now != nil ||
				!a.Options.ProofAfter.IsZero() {
				return // which the judge is not asked
			}
			if a.Edit == nil {
				continue
			}
			a.Edit(instance, &g)
			if i == 0 {
				funcs = g
			} else if !sigstoretest.Join(&g, funcs) {
				return // both change the same
			}
		}
		s := sample{subject: sigstoretest.Image}
		func() {
			defer func() {
				if recover() != nil && len(of) > 1 {
					s.bundle = nil // one changes what the other needs
				}
			}()
			s.bundle = instance.Sign(g)
			s.root = instance.TrustedRoot(func(root map[string]any) {
				for _, a := range of {
					if a.Root != nil {
						a.Root(root)
					}
				}
			})
		}()
		if s.root == nil || s.bundle == nil {
			count["do not combine"]++
			return
		}
		if g.Payload == nil {
			s.subject = digest.FromBytes(g.Message)
		}
		ours := s.ours()
		count["bundles"]++
		if ours != nil {
			return
		}
		count["accepted"]++
		theirs := s.theirs()
		switch {
		case theirs == nil:
		case unusable.MatchString(theirs.Error()): // it gives up the whole root
			count["entry of the root left out"]++
		case strings.Contains(name, "stranger's line") && !g.Tiles: // it does not read checkpoints of the first log that others signed too
			count["cosigned checkpoint"]++
		default:
			t.Errorf("%s: accepted, and sigstore-go says: %v", name, theirs)
		}
	}
	for _, a := range attacks {
		try(a)
	}
	for i, a := range attacks {
		for j, b := range attacks[:i] {
			if heavy() || (i+j)%7 == 0 {
				try(b, a)
			}
		}
	}
	t.Log(count)
	if count["bundles"] < 500 {
		t.Error(count)
	}
}
