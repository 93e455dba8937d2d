package tuf

import (
	"context"
	"errors"
	"fmt"

	"github.com/ladingdev/lading/verify/sigstore"
)

// refresh follows the client workflow of the specification, section 5. If it fails it returns the state of before, with those roots
// that were proven.
func (c *Client) refresh(ctx context.Context, repo *Repository, before *state) (*state, error) {
	now := c.now() // one time for all (section 5.1)
	s := &state{roots: append([]*metadata(nil), before.roots...), refreshed: before.refreshed, served: before.served}
	if err := c.followRoots(ctx, repo, s); err != nil {
		return s, err
	}
	root := s.newest()
	if err := root.current(now); err != nil {
		return s, err
	}
	old := &served{}
	if before.served != nil { // what keys signed that the newest root took away counts no more (section 5.3.11)
		for m, to := range map[*metadata]**metadata{
			before.served.timestamp: &old.timestamp, before.served.snapshot: &old.snapshot, before.served.targets: &old.targets,
		} {
			if m.verify(root) == nil {
				*to = m
			}
		}
	}
	v := &served{root: root}
	var err error
	if v.timestamp, err = c.timestamp(ctx, repo, root, old.timestamp); err != nil {
		return s, err
	}
	if err := v.timestamp.current(now); err != nil {
		return s, err
	}
	if v.snapshot, err = c.named(ctx, repo, root, v.timestamp, snapshotRole, old.snapshot); err != nil {
		return s, err
	}
	if err := v.snapshot.current(now); err != nil {
		return s, err
	}
	if v.targets, err = c.named(ctx, repo, root, v.snapshot, targetsRole, old.targets); err != nil {
		return s, err
	}
	if err := v.targets.current(now); err != nil {
		return s, err
	}
	if err := c.fetchTargets(ctx, repo, v, before.served); err != nil {
		return s, err
	}
	s.served, s.refreshed = v, now
	return s, nil
}

// followRoots appends the roots that come after the newest (section 5.3).
func (c *Client) followRoots(ctx context.Context, repo *Repository, s *state) error {
	const mostRoots = 256
	for range mostRoots {
		url := fmt.Sprintf("%s/%d.root.json", repo.URL, s.newest().version+1)
		data, err := c.fetch(ctx, url, most[rootRole])
		if errors.Is(err, errNotThere) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := parse(rootRole, data)
		if err != nil {
			return err
		}
		if err := m.follows(s.newest()); err != nil {
			return err
		}
		s.roots = append(s.roots, m)
	}
	return fmt.Errorf("%w: more than %d new roots; refresh again", ErrLimit, mostRoots)
}

// timestamp fetches what is current (section 5.4).
func (c *Client) timestamp(ctx context.Context, repo *Repository, root, old *metadata) (*metadata, error) {
	data, err := c.fetch(ctx, repo.URL+"/timestamp.json", most[timestampRole])
	if err != nil {
		return nil, err
	}
	m, err := parse(timestampRole, data)
	if err == nil {
		err = m.verify(root)
	}
	if err != nil || old == nil {
		return m, err
	}
	if m.version == old.version {
		return old, nil
	}
	return m, m.notBefore(old)
}

// notBefore proves that neither m nor a file that it names is older than it was, or gone.
func (m *metadata) notBefore(old *metadata) error {
	if m.version < old.version {
		return fmt.Errorf("%w: %s.json %d, after %d", ErrRollback, m.role, m.version, old.version)
	}
	if m.role == targetsRole {
		return nil
	}
	for name, before := range old.files {
		switch f, ok := m.files[name]; {
		case !ok:
			return fmt.Errorf("%w: %s.json %d no longer names %.80q", ErrRollback, m.role, m.version, name)
		case f.version < before.version:
			return fmt.Errorf("%w: %s.json %d names %.80q %d, after %d", ErrRollback, m.role, m.version, name, f.version, before.version)
		}
	}
	return nil
}

// named fetches the metadata that another file names, unless it is there already (sections 5.5 and 5.6).
func (c *Client) named(ctx context.Context, repo *Repository, root, by *metadata, role string, old *metadata) (*metadata, error) {
	if old != nil && old.is(by) == nil {
		return old, nil
	}
	f := by.files[role+".json"]
	limit := most[role]
	if f.length >= 0 {
		limit = min(limit, f.length)
	}
	data, err := c.fetch(ctx, fmt.Sprintf("%s/%d.%s.json", repo.URL, f.version, role), limit)
	if err != nil {
		return nil, err
	}
	if err := f.check(data); err != nil { // before anything reads it
		return nil, fmt.Errorf("%s.json: %w", role, err)
	}
	m, err := parse(role, data)
	if err == nil {
		err = m.verify(root)
	}
	if err == nil {
		err = m.is(by)
	}
	if err == nil && old != nil {
		err = m.notBefore(old)
	}
	return m, err
}

// fetchTargets fetches those that are not there already, and sees that the trusted root can be read.
func (c *Client) fetchTargets(ctx context.Context, repo *Repository, v, before *served) (err error) {
	old := new(served)
	if before != nil {
		old = before
	}
	if v.trustedRoot, err = c.target(ctx, repo, v, trustedRoot, old.trustedRoot); err != nil {
		return err
	}
	if _, err := sigstore.ParseRoot(v.trustedRoot, nil); err != nil {
		return err
	}
	if f, ok := v.targets.files[signingConfig]; !ok || !c.Signing && (old.signingConfig == nil || f.check(old.signingConfig) != nil) {
		return nil
	}
	v.signingConfig, err = c.target(ctx, repo, v, signingConfig, old.signingConfig)
	return err
}

// target returns a target: what was there if it is still the same, or what is fetched (section 5.7).
func (c *Client) target(ctx context.Context, repo *Repository, v *served, name string, old []byte) ([]byte, error) {
	f, err := v.target(name)
	if err != nil {
		return nil, err
	}
	if old != nil && f.check(old) == nil {
		return old, nil
	}
	hash := f.sha256
	if hash == "" {
		hash = f.sha512
	}
	if f.length > most[name] {
		return nil, fmt.Errorf("%w: %s of %d bytes", ErrLimit, name, f.length)
	}
	data, err := c.fetch(ctx, fmt.Sprintf("%s/targets/%s.%s", repo.URL, hash, name), f.length)
	if err != nil {
		return nil, err
	}
	if err := f.check(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}
