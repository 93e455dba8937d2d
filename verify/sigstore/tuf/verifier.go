package tuf

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// A Verifier is a [sigstore.Verifier] by the roots that serve at the time, for programs that run for longer than roots do. It takes
// those that its Client refreshed at once, and within an hour those that another process kept in the same directory. It refreshes
// nothing itself: no evidence waits for a repository. It is safe for concurrent use, and its fields must not change once it is used.
type Verifier struct {
	Client  *Client
	Trust   []sigstore.Entry
	Options *sigstore.Options

	mu       sync.Mutex
	by       *Roots
	verifier *sigstore.Verifier
}

// Verify is that of [sigstore.Verifier]. Where no roots serve, evidence is verify.ErrUnchecked.
func (v *Verifier) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	current, err := v.current()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrUnchecked, err)
	}
	return current.Verify(ctx, subject, evidence)
}

// Validate returns an error if there are no roots that serve, or the trust list trusts nobody. Programs call it when they start.
func (v *Verifier) Validate() error {
	current, err := v.current()
	if err != nil {
		return err
	}
	return current.Validate()
}

func (v *Verifier) current() (*sigstore.Verifier, error) {
	if v == nil || v.Client == nil {
		return nil, errors.New("tuf: a Verifier needs a Client")
	}
	roots, err := v.Client.serving()
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.by != roots {
		made, err := sigstore.New(roots.Root, v.Trust, v.Options)
		if err != nil {
			return nil, err
		}
		v.by, v.verifier = roots, made
	}
	return v.verifier, nil
}

// loaded is what a client returned last, and when.
type loaded struct {
	roots *Roots
	at    time.Time
}

// serving returns the roots that serve. What was returned within the hour is good enough, and so is what is there while a refresh is
// under way.
func (c *Client) serving() (*Roots, error) {
	now, last := c.now(), c.last.Load()
	usable := last != nil && (last.roots.Until.IsZero() || !now.After(last.roots.Until))
	if usable && now.Sub(last.at) < time.Hour {
		return last.roots, nil
	}
	if !c.mu.TryLock() {
		if usable {
			return last.roots, nil
		}
		return c.Roots()
	}
	defer c.mu.Unlock()
	return c.offline()
}
