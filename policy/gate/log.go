package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
)

// Counters count what a [Checker] does, in whatever system of metrics: see examples/metrics for OpenTelemetry and Prometheus.
// Labels come as name and value in turn, and have few values. Implementations are safe for concurrent use and do not block.
type Counters interface {
	Count(name string, labels ...string)
	Time(name string, d time.Duration, labels ...string)
}

// Names of what is counted, with their labels.
const (
	MetricDecisions   = "lading_gate_decisions_total"     // verdict, mode, source: fresh, cache, shared, outage
	MetricDuration    = "lading_gate_decision_seconds"    // source
	MetricEvaluations = "lading_gate_evaluations_total"   // verdict: images whose evidence was looked for
	MetricCache       = "lading_gate_cache_total"         // result: hit, miss
	MetricProofs      = "lading_gate_verifications_total" // result: kept, proven, refused
)

func (c *Checker) count(name string, labels ...string) {
	if c.opts.Counters != nil {
		c.opts.Counters.Count(name, labels...)
	}
}

// A Log is told what was decided. It does not block for long, for a door waits. Implementations are safe for concurrent use.
type Log interface {
	Decided(ctx context.Context, r *Record)
}

// A Record is one answer, for a log.
type Record struct {
	Time       time.Time       `json:"time"`
	Image      string          `json:"image"`            // as it was asked
	Judged     string          `json:"judged,omitempty"` // REPOSITORY@DIGEST
	Verdict    policy.Verdict  `json:"verdict"`
	Mode       policy.Effect   `json:"mode"`
	Allowed    bool            `json:"allowed"`
	Rule       string          `json:"rule"`
	Reason     string          `json:"reason"`
	Until      time.Time       `json:"until,omitzero"`
	Decided    time.Time       `json:"decided"` // when, if it was kept
	Cached     bool            `json:"cached,omitempty"`
	Outage     bool            `json:"outage,omitempty"`
	Read       int             `json:"read,omitempty"`  // of Known candidates, where reading ended early
	Known      int             `json:"known,omitempty"` // zero if nobody counted
	Evidence   []digest.Digest `json:"evidence,omitempty"`
	Children   []digest.Digest `json:"children,omitempty"`
	Policy     digest.Digest   `json:"policy,omitempty"`
	Request    *policy.Request `json:"request,omitempty"`
	DurationMS float64         `json:"duration_ms"`
}

// maxLogged is how many pieces of evidence and children a record names.
const maxLogged = 32

func record(q *Question, a *Answer) *Record {
	d := a.Decision
	r := &Record{
		Time: time.Now().UTC(), Image: Quote(a.Name), Judged: a.Reference.Pinned(), Verdict: d.Verdict, Mode: a.Mode, Allowed: a.Allowed,
		Rule: d.Rule, Reason: a.Reason, Until: d.Until, Decided: d.Time, Cached: a.Cached, Outage: a.Outage, Read: a.Read, Known: a.Known,
		Policy: a.PolicyDigest, Request: q.Request, DurationMS: float64(a.Took.Microseconds()) / 1000,
	}
	r.Image = r.Image[1 : len(r.Image)-1]
	for _, e := range d.Evidence[:min(len(d.Evidence), maxLogged)] {
		r.Evidence = append(r.Evidence, e.Digest)
	}
	for _, child := range a.Children[:min(len(a.Children), maxLogged)] {
		r.Children = append(r.Children, child.Digest)
	}
	return r
}

// A File is a Log that writes a line of JSON for each record.
type File struct {
	// Failed is told each record that could not be written; nil means nobody. It is set before first use.
	Failed func(r *Record, err error)

	mu    sync.Mutex
	path  string
	most  int64
	size  int64
	file  *os.File
	ended bool
}

// OpenFile returns a log that appends to a file, which it makes, with mode 0600. A file that would grow beyond maxBytes becomes
// path.1, in place of the one before; zero means that it grows without end.
func OpenFile(path string, maxBytes int64) (*File, error) {
	f := &File{path: path, most: maxBytes}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Decided writes a record. What goes wrong is for Failed: the answer is given all the same.
func (f *File) Decided(_ context.Context, r *Record) {
	line, err := json.Marshal(r)
	if err == nil {
		err = f.write(append(line, '\n'))
	}
	if err != nil && f.Failed != nil {
		f.Failed(r, err)
	}
}

func (f *File) write(line []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return os.ErrClosed
	}
	if f.most > 0 && f.size > 0 && f.size+int64(len(line)) > f.most {
		err := errors.Join(f.close(), os.Rename(f.path, f.path+".1"))
		if err != nil {
			return err
		}
	}
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	n, err := f.file.Write(line)
	f.size += int64(n)
	return err
}

func (f *File) close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// Close ends the log. What is decided later goes to Failed.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	return f.close()
}
