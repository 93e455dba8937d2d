package verify

import (
	"fmt"
	"slices"
	"time"
)

// The words of the enumerations, as MarshalText writes them and decisions and their records show them. The first is the zero value.
var (
	kindWords     = []string{"", "image signature", "statement", "blob signature"}
	identityWords = []string{"", "key", "certificate", "oidc"}
	timeWords     = []string{"unknown", "claimed", "authority", "timestamp", "log"}
)

// MarshalText writes the kind as String has it; the zero Kind is empty.
func (k Kind) MarshalText() ([]byte, error) { return word(kindWords, k, "kind") }

// UnmarshalText reads what MarshalText wrote and refuses anything else.
func (k *Kind) UnmarshalText(text []byte) error { return readWord(kindWords, k, text, "kind") }

// MarshalText writes the kind as "key", "certificate" or "oidc"; the zero IdentityKind is empty.
func (k IdentityKind) MarshalText() ([]byte, error) {
	return word(identityWords, k, "kind of identity")
}

// UnmarshalText reads what MarshalText wrote and refuses anything else.
func (k *IdentityKind) UnmarshalText(text []byte) error {
	return readWord(identityWords, k, text, "kind of identity")
}

// MarshalText writes the source as String has it.
func (s TimeSource) MarshalText() ([]byte, error) { return word(timeWords, s, "source of time") }

// UnmarshalText reads what MarshalText wrote and refuses anything else.
func (s *TimeSource) UnmarshalText(text []byte) error {
	return readWord(timeWords, s, text, "source of time")
}

func word[T ~uint8](words []string, v T, what string) ([]byte, error) {
	if int(v) >= len(words) {
		return nil, fmt.Errorf("verify: there is no %s %d", what, v)
	}
	return []byte(words[v]), nil
}

func readWord[T ~uint8](words []string, v *T, text []byte, what string) error {
	i := slices.Index(words, string(text))
	if i < 0 {
		return fmt.Errorf("verify: %.80q is no %s", text, what)
	}
	*v = T(i)
	return nil
}

// Latest returns the latest moment at which the signer may have signed as far as its TimeSource proves one: SignedAt, and the
// accuracy that a timestamp states. It is zero if there is no time. Whatever must have been signed before a moment, such as
// before a key was stolen, is held against it.
func (s Signer) Latest() time.Time {
	if s.SignedAt.IsZero() {
		return time.Time{}
	}
	return s.SignedAt.Add(max(0, s.Accuracy))
}
