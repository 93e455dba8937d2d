package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"iter"
	"slices"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A Selection is the evidence of a Repository of some predicate types, as a source for package verify.
type Selection struct {
	r     *Repository
	types []string
}

// Of returns the evidence about subjects with one of these predicate types. It keeps what somebody else attached in
// numbers from using up the limits: a referrer that its annotations say is of another type (dev.sigstore.bundle.predicateType
// as cosign writes it, or predicateType) is not read. One that says nothing is, and content of which the predicate type
// can be read has to be of these types. Formats that name none, such as a document that Notary Project signed, come in any
// case: their verifier knows.
func (r *Repository) Of(predicateTypes ...string) *Selection {
	return &Selection{r: r, types: slices.Clone(predicateTypes)}
}

// Evidence is [Repository.Evidence] for the types of the Selection.
func (s *Selection) Evidence(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return s.r.evidence(ctx, subject, s)
}

// Annotations that name a predicate type, of bundles and of DSSE envelopes.
var predicateTypeAnnotations = []string{"dev.sigstore.bundle.predicateType", "predicateType"}

// listed reports whether a referrer may be of the types, by what its list entry claims.
func (s *Selection) listed(d Descriptor) bool {
	if s == nil {
		return true
	}
	for _, name := range predicateTypeAnnotations {
		if claimed := d.Annotations[name]; claimed != "" {
			return slices.Contains(s.types, claimed)
		}
	}
	return true
}

// read reports whether a candidate may be of the types, by its content.
func (s *Selection) read(d Descriptor) bool {
	if s == nil {
		return true
	}
	actual, ok := predicateType(d)
	return !ok || slices.Contains(s.types, actual)
}

// predicateType returns the predicate type of the in-toto statement in a DSSE envelope or in a bundle with one, and
// reports whether there is one. Nothing of it is verified.
func predicateType(d Descriptor) (string, bool) {
	type envelope struct {
		Payload string `json:"payload"`
	}
	var content struct {
		envelope
		Bundled *envelope `json:"dsseEnvelope"`
	}
	if json.Unmarshal(d.Data, &content) != nil {
		return "", false
	}
	if content.Bundled != nil {
		content.envelope = *content.Bundled
	}
	payload, err := base64.StdEncoding.DecodeString(content.Payload)
	if err != nil {
		payload, err = base64.URLEncoding.DecodeString(content.Payload)
	}
	var statement struct {
		PredicateType string `json:"predicateType"`
	}
	if err != nil || json.Unmarshal(payload, &statement) != nil || statement.PredicateType == "" {
		return "", false
	}
	return statement.PredicateType, true
}

// entry is a referrer to look into.
type entry struct {
	Descriptor
	needSubject bool
	created     time.Time
}

// evidence yields the evidence about a subject, or of it what was selected.
func (r *Repository) evidence(ctx context.Context, subject Descriptor, s *Selection) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		entries, listErr := r.entries(ctx, subject, s)
		ctx, cancel := context.WithCancel(ctx)
		w := &window{r: r, subject: subject, entries: entries, running: make(map[int]*look), most: max(aheadBytes, r.limits.EvidenceBytes)}
		w.changed = sync.NewCond(&w.mu)
		defer w.wait()
		defer cancel()
		b := budget{r: r, subject: subject, yield: yield}
		for i, e := range entries {
			// Many that hold nothing would cost nothing otherwise.
			if !b.spend(&b.manifests, min(e.Size, r.limits.ManifestBytes), int64(r.limits.Pages)*r.limits.ManifestBytes) {
				return
			}
			w.start(ctx, i)
			for {
				c, ok := w.next(i)
				if !ok {
					break
				}
				if c.err != nil && ctx.Err() != nil {
					yield(Descriptor{}, ended(ctx)) // the rest would fail alike
					return
				}
				switch {
				case c.err == nil && !s.read(c.Descriptor): // it was read all the same
					ok = b.spend(&b.evidence, int64(len(c.Data)), r.limits.TotalBytes)
				default:
					ok = b.next(c.Descriptor, c.err)
				}
				if !ok {
					return
				}
			}
		}
		if listErr != nil {
			yield(Descriptor{}, listErr)
		}
	}
}

// entries lists what is to be looked into, the newest first, and what kept the list from its end.
func (r *Repository) entries(ctx context.Context, subject Descriptor, s *Selection) (entries []entry, err error) {
	for d, err := range r.listed(ctx, subject) {
		if err != nil {
			return newestFirst(entries), err
		}
		if !r.mayHold(d.ArtifactType) || !s.listed(d) {
			continue
		}
		created, _ := time.Parse(time.RFC3339, d.Annotations[ocispec.AnnotationCreated])
		d.Annotations = nil // there may be many
		entries = append(entries, entry{d, true, created})
	}
	newestFirst(entries)
	if r.cosignTags {
		for d, err := range r.underCosignTags(ctx, subject, ".sig", ".att") {
			if err != nil {
				return entries, err
			}
			entries = append(entries, entry{Descriptor: d})
		}
	}
	return entries, nil
}

func newestFirst(entries []entry) []entry {
	slices.SortStableFunc(entries, func(a, b entry) int { return b.created.Compare(a.created) })
	return entries
}

// How far Evidence reads ahead: so many bytes, beside what is yielded next, and so many referrers for each request that may
// be in flight.
const (
	aheadBytes   = 64 << 20
	aheadEntries = 4
)

// window looks into several entries at the same time and gives what they hold in order.
type window struct {
	r       *Repository
	subject Descriptor
	entries []entry

	done    sync.WaitGroup
	mu      sync.Mutex
	changed *sync.Cond
	running map[int]*look
	head    int   // the entry whose content is yielded now
	started int   // entries
	bytes   int64 // held, or about to be
	most    int64 // of these, but for the head
	stopped bool
}

// look is what was found in one entry and not yet yielded.
type look struct {
	found  []found
	held   int64 // bytes
	isDone bool
}

type found struct {
	Descriptor
	err error
}

// start makes the entry i the head, and begins to look into those after it.
func (w *window) start(ctx context.Context, i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.head = i
	for w.started < min(len(w.entries), i+aheadEntries*w.r.limits.Requests) {
		l, n := new(look), w.started
		w.running[n] = l
		w.started++
		w.done.Go(func() { w.look(ctx, n, l) })
	}
	w.changed.Broadcast()
}

// look gathers what the entry n holds.
func (w *window) look(ctx context.Context, n int, l *look) {
	e := w.entries[n]
	hold := func(size int64) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		// The head goes on in any case, or nothing would. It has one piece beside the one that is yielded.
		for !w.stopped && w.bytes+size > w.most && (n != w.head || len(l.found) > 0) {
			w.changed.Wait()
		}
		w.bytes += size
		l.held += size
		return !w.stopped
	}
	for d, err := range w.r.evidenceIn(ctx, w.subject, e.Descriptor, e.needSubject, hold) {
		w.mu.Lock()
		l.found = append(l.found, found{d, err})
		stopped := w.stopped
		w.changed.Broadcast()
		w.mu.Unlock()
		if stopped {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l.isDone = true
	w.changed.Broadcast()
}

// next returns what the entry i, the head, holds next, and false after its end.
func (w *window) next(i int) (found, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.running[i]
	for len(l.found) == 0 && !l.isDone {
		w.changed.Wait()
	}
	if len(l.found) == 0 {
		w.bytes -= l.held
		delete(w.running, i)
		w.changed.Broadcast()
		return found{}, false
	}
	c := l.found[0]
	l.found[0] = found{}
	l.found = l.found[1:]
	size := min(int64(len(c.Data)), l.held)
	w.bytes -= size
	l.held -= size
	w.changed.Broadcast()
	return c, true
}

// wait ends what still runs.
func (w *window) wait() {
	w.mu.Lock()
	w.stopped = true
	w.changed.Broadcast()
	w.mu.Unlock()
	w.done.Wait()
}
