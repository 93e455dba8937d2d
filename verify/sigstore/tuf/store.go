package tuf

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The targets that are fetched, the second for who signs.
const (
	trustedRoot   = "trusted_root.json"
	signingConfig = "signing_config.v0.2.json"
)

// A store is what is kept of a repository, in one file so that its parts always belong together. All but the time is verified again
// when it is read.
type store struct {
	Refreshed   time.Time `json:"refreshed,omitzero"` // when all of it was last found to be current
	Roots       [][]byte  `json:"roots"`              // one version after another
	Root        int64     `json:"root,omitempty"`     // version that vouches for the rest; zero: the first
	Timestamp   []byte    `json:"timestamp,omitempty"`
	Snapshot    []byte    `json:"snapshot,omitempty"`
	Targets     []byte    `json:"targets,omitempty"`
	TrustedRoot []byte    `json:"trustedRoot,omitempty"`
	// SigningConfig may be missing.
	SigningConfig []byte `json:"signingConfig,omitempty"`
}

// A state is a store that was verified.
type state struct {
	roots     []*metadata // the chain, oldest first
	refreshed time.Time   // zero: never
	served    *served     // nil: nothing yet
}

// served is a trusted root and what vouches for it.
type served struct {
	root, timestamp, snapshot, targets *metadata
	trustedRoot                        []byte
	signingConfig                      []byte // nil: not fetched
}

func (s *state) newest() *metadata { return s.roots[len(s.roots)-1] }

func (s *state) store() *store {
	out := &store{Refreshed: s.refreshed}
	for _, m := range s.roots {
		out.Roots = append(out.Roots, m.raw)
	}
	if v := s.served; v != nil {
		out.Root, out.TrustedRoot, out.SigningConfig = v.root.version, v.trustedRoot, v.signingConfig
		out.Timestamp, out.Snapshot, out.Targets = v.timestamp.raw, v.snapshot.raw, v.targets.raw
	}
	return out
}

// begin verifies the root with which trust begins.
func begin(root []byte) (*state, error) {
	m, err := parse(rootRole, root)
	if err == nil {
		err = m.verify(m)
	}
	if err != nil {
		return nil, fmt.Errorf("tuf: the root with which trust begins: %w", err)
	}
	return &state{roots: []*metadata{m}}, nil
}

// open verifies what was kept, from the root with which trust begins. Times do not matter: all was current once.
func (b *state) open(kept *store) (*state, error) {
	s := &state{roots: b.roots[:1:1], refreshed: kept.Refreshed}
	for _, data := range kept.Roots {
		m, err := parse(rootRole, data)
		if err != nil {
			return nil, err
		}
		if m.version <= s.newest().version { // kept by a program that embeds an older one
			continue
		}
		if err := m.follows(s.newest()); err != nil {
			return nil, err
		}
		s.roots = append(s.roots, m)
	}
	if kept.Timestamp == nil {
		return s, nil
	}
	v := &served{root: s.roots[0], trustedRoot: kept.TrustedRoot, signingConfig: kept.SigningConfig}
	for _, m := range s.roots {
		if m.version == kept.Root {
			v.root = m
		}
	}
	return s, s.serve(v, kept)
}

// serve verifies the metadata of a store.
func (s *state) serve(v *served, kept *store) (err error) {
	for _, f := range []struct {
		role string
		data []byte
		to   **metadata
	}{{timestampRole, kept.Timestamp, &v.timestamp}, {snapshotRole, kept.Snapshot, &v.snapshot}, {targetsRole, kept.Targets, &v.targets}} {
		m, err := parse(f.role, f.data)
		if err == nil {
			err = m.verify(v.root)
		}
		if err != nil {
			return err
		}
		*f.to = m
	}
	if err := v.snapshot.is(v.timestamp); err != nil {
		return err
	}
	if err := v.targets.is(v.snapshot); err != nil {
		return err
	}
	for name, data := range map[string][]byte{trustedRoot: v.trustedRoot, signingConfig: v.signingConfig} {
		if name == signingConfig && data == nil {
			continue
		}
		target, err := v.target(name)
		if err == nil {
			err = target.check(data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	s.served = v
	return nil
}

// is proves that m is the file that another one names.
func (m *metadata) is(by *metadata) error {
	f := by.files[m.role+".json"]
	if f.version != m.version {
		return fmt.Errorf("%w: %s.json %d, and %s.json %d names %d", ErrRollback, m.role, m.version, by.role, by.version, f.version)
	}
	if err := f.check(m.raw); err != nil {
		return fmt.Errorf("%s.json: %w", m.role, err)
	}
	return nil
}

// target is what targets.json says of a target.
func (v *served) target(name string) (file, error) {
	f, ok := v.targets.files[name]
	if !ok || f.length < 0 || f.sha256 == "" && f.sha512 == "" {
		return f, fmt.Errorf("%w: targets.json %d does not have %s with length and hash", ErrMalformed, v.targets.version, name)
	}
	return f, nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// path is the file of a repository: no two have the same.
func (c *Client) path(url string) string {
	sum := sha256.Sum256([]byte(url))
	_, name, _ := strings.Cut(url, "://")
	name = notInNames.ReplaceAllString(name, "_")
	return filepath.Join(c.Dir, fmt.Sprintf("%.100s-%x.json", name, sum[:4]))
}

// read returns what was kept, or nothing.
func (c *Client) read(url string) (*store, error) {
	if c.Dir == "" {
		return c.memory, nil
	}
	f, err := os.Open(c.path(url))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const mostBytes = 64 << 20
	data, err := io.ReadAll(io.LimitReader(f, mostBytes))
	if err != nil {
		return nil, err
	}
	s := new(store)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	return s, nil
}

// write keeps a store: whole, or not at all.
func (c *Client) write(url string, s *store) (err error) {
	if c.Dir == "" {
		c.memory = s
		return nil
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Dir, ".refresh-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path(url))
}
