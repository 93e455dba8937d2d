package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// Copy copies a manifest and everything that belongs to it from src to dst: its configuration and layers, the manifests
// that an index names, all referrers of each of these, and theirs. The reference is as for Resolve; a tag is set in dst
// too. It returns the descriptor of the copied manifest.
//
// What hangs on cosign's tags .sig, .att and .sbom is copied where they exist, and added to what the destination has
// there.
//
// Limits.Requests of the source bounds how much is on its way at the same time. Content goes before what refers to it, an
// image before what is attached to it, and the tag comes last, so that a copy that breaks off leaves nothing dangling, and
// doing it again goes on where it ended: content that is there already is not sent again. Between repositories of one
// registry blobs are mounted, where it can. All that is moved is checked against its digest on the way.
//
// An attachment that the source lists and does not have, or has damaged, does not hold up the rest. All such errors are
// returned together, beside the descriptor of the image, which has been copied then. So is the doubt whether there are
// attachments at all, where the source answers neither with a list nor as the specification says that it has none.
func Copy(ctx context.Context, dst, src *Repository, reference string, o *CopyOptions) (Descriptor, error) {
	if o == nil {
		o = new(CopyOptions)
	}
	reference = cmp.Or(reference, src.reference, "latest")
	root, data, err := src.open(ctx, reference)
	if err != nil {
		return Descriptor{}, err
	}
	c := &copier{
		dst: dst, src: src, opts: o,
		tasks: make(map[digest.Digest]*task), blobs: make(map[digest.Digest]*task),
		streams: make(chan struct{}, src.limits.Requests), lookups: make(chan struct{}, src.limits.Requests),
	}
	var gctx context.Context
	c.group, gctx = errgroup.WithContext(ctx)
	c.group.Go(func() error {
		_, err := c.manifest(gctx, root, data, 0)
		return err
	})
	if err := c.group.Wait(); err != nil {
		return Descriptor{}, err
	}
	if digest.Digest(reference).Validate() != nil && !o.DryRun {
		tagged := root
		tagged.Data = data
		if err := dst.Tag(ctx, tagged, reference); err != nil {
			return Descriptor{}, err
		}
	}
	if c.doubt != nil && !src.tagged.Load() {
		c.left = append(c.left, c.doubt)
	}
	slices.SortFunc(c.left, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return root, errors.Join(c.left...)
}

// CopyOptions change how Copy works. The zero value copies everything, in silence.
type CopyOptions struct {
	// Progress is called for everything that is copied or left out. Calls do not overlap.
	Progress func(CopyProgress)
	// Platforms are those to copy of an index; nil means all. The index keeps its digest, and names what is not there:
	// some registries refuse that.
	Platforms []ocispec.Platform
	// WithoutEvidence leaves out what refers to manifests, and cosign's tags.
	WithoutEvidence bool
	// DryRun looks what there is to copy, and what is there already, and writes nothing.
	DryRun bool
}

// CopyProgress is what happened to one manifest or blob, and how far the copy is.
type CopyProgress struct {
	Descriptor // media type, digest and size of what it is about; of a manifest also its artifact type, where it is known
	Action     CopyAction
	Moved      int64 // bytes of it that have come so far
	Reason     error // why it was left, for CopyLeft

	// Manifests and blobs that are done, in whatever way, and those that are known by now, with their bytes. The totals grow
	// while indexes and lists of referrers are read.
	Count, Total      int
	Bytes, TotalBytes int64
}

// A CopyAction says what happened to a manifest or blob.
type CopyAction string

const (
	CopyMoving  CopyAction = "moving"  // of a blob, now and then
	CopySent    CopyAction = "sent"    // or, in a dry run, to be sent
	CopyMounted CopyAction = "mounted" // from the other repository of the same registry
	CopyPresent CopyAction = "present" // it was there already
	CopyLeft    CopyAction = "left"    // Reason says why
)

// Reasons to leave something out, for CopyProgress.
var (
	ErrOtherPlatform = errors.New("for a platform that was not asked for")
	ErrNotDelivered  = errors.New("a layer that is not to be distributed, and is elsewhere")
)

// open returns a manifest of a registry in one request, where it can.
func (r *Repository) open(ctx context.Context, reference string) (Descriptor, []byte, error) {
	if b, ok := r.backend.(tagReader); ok && r.cache == nil && digest.Digest(reference).Validate() != nil {
		t, err := b.readTag(ctx, reference)
		if err == nil && t.data == nil {
			err = fmt.Errorf("registry: %w: %s in %s", ErrNotFound, reference, r.name)
		}
		if err == nil && isManifest(t.desc.MediaType) {
			return bare(t.desc), t.data, nil
		}
		if err != nil {
			return Descriptor{}, nil, err
		}
	}
	d, err := r.Resolve(ctx, reference)
	if err != nil {
		return Descriptor{}, nil, err
	}
	data, err := r.fetchListed(ctx, d, r.limits.ManifestBytes)
	return d, data, err
}

// An exister is a Backend that tells whether it has content, undamaged. To others everything is sent.
type exister interface {
	Exists(ctx context.Context, d Descriptor) (bool, error)
}

// A mounter is a Backend that can have a blob of another repository of the same registry without moving it.
type mounter interface {
	// Mount reports whether it could.
	Mount(ctx context.Context, d Descriptor, from Backend) (bool, error)
}

type copier struct {
	dst, src *Repository
	opts     *CopyOptions
	group    *errgroup.Group
	streams  chan struct{} // blobs on their way
	lookups  chan struct{} // of tags

	mu sync.Mutex
	// What was begun. Their own, because one digest may be a blob here and a manifest there.
	tasks, blobs map[digest.Digest]*task
	held         int64        // bytes of manifests in memory
	left         []error      // attachments that could not be copied
	doubt        error        // whether there are others
	progress     CopyProgress // the counters
	tryMount     sync.Once
	mounts       bool // set by tryMount
}

// A task is a manifest or blob that is copied once. Its fields are set when done is closed.
type task struct {
	done chan struct{}
	self copied
	err  error
}

func (t *task) wait(ctx context.Context) error {
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ended(ctx)
	}
}

// copied is a manifest in the destination, described as it describes itself.
type copied struct {
	Descriptor
	subject digest.Digest // or none
}

// begin returns the task of a digest, and whether it was begun before.
func (c *copier) begin(tasks map[digest.Digest]*task, d Descriptor) (*task, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := tasks[d.Digest]; ok {
		return t, true
	}
	t := &task{done: make(chan struct{})}
	tasks[d.Digest] = t
	c.progress.Total++
	c.progress.TotalBytes += d.Size
	return t, false
}

// leftOut counts what is done with and was not copied.
func (c *copier) leftOut(d Descriptor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.Count++
	c.progress.Bytes += d.Size
}

func (c *copier) report(d Descriptor, action CopyAction, moved int64, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if action == CopySent || action == CopyMounted || action == CopyPresent {
		c.progress.Count++
		c.progress.Bytes += d.Size
	}
	if c.opts.Progress == nil {
		return
	}
	p := c.progress
	p.Descriptor, p.Action, p.Moved, p.Reason = bare(d), action, moved, reason
	p.ArtifactType = d.ArtifactType
	c.opts.Progress(p)
}

var errTooMany = fmt.Errorf("%w: too many manifests to copy", ErrLimit)

// hold counts the bytes of manifests that are in memory at the same time.
func (c *copier) hold(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tasks) > widestCopy*c.src.limits.Referrers || c.held+n > int64(c.src.limits.Pages)*c.src.limits.ManifestBytes {
		return fmt.Errorf("registry: %w", errTooMany)
	}
	c.held += n
	return nil
}

// manifest copies a manifest and what it names, once, and returns when it is in the destination. What refers to it is
// copied by the group. Data may be nil.
func (c *copier) manifest(ctx context.Context, d Descriptor, data []byte, depth int) (copied, error) {
	t, begun := c.begin(c.tasks, d)
	if begun {
		err := t.wait(ctx)
		if err != nil {
			return copied{}, err
		}
		return t.self, nil
	}
	defer close(t.done)
	if t.self, t.err = c.copyManifest(ctx, t, d, data, depth); t.err != nil {
		c.leftOut(d)
	}
	return t.self, t.err
}

func (c *copier) copyManifest(ctx context.Context, t *task, d Descriptor, data []byte, depth int) (copied, error) {
	if depth > deepest {
		return copied{}, fmt.Errorf("registry: %w: manifests nested deeper than %d", ErrLimit, deepest)
	}
	if err := c.hold(min(d.Size, c.src.limits.ManifestBytes)); err != nil {
		return copied{}, err
	}
	defer func() { _ = c.hold(-min(d.Size, c.src.limits.ManifestBytes)) }()
	var err error
	if data == nil {
		if data, err = c.src.fetchListed(ctx, d, c.src.limits.ManifestBytes); err != nil {
			return copied{}, err
		}
	}
	self := copied{Descriptor: bare(d)}
	parts, subject, err := c.partsOf(&self, data)
	if err != nil {
		return copied{}, err
	}
	if !c.opts.WithoutEvidence {
		c.group.Go(func() error { return c.attachments(ctx, d, t, depth) })
	}
	// What fails in one manifest must not end what others share with it, so the context is that of the whole copy.
	var g errgroup.Group
	g.SetLimit(c.src.limits.Requests)
	for _, part := range parts {
		g.Go(func() error {
			if indexed(data) && isManifest(part.MediaType) {
				_, err := c.manifest(ctx, part, nil, depth+1)
				return err
			}
			return c.blob(ctx, part)
		})
	}
	if err := g.Wait(); err != nil {
		return copied{}, err
	}
	if subject != nil {
		self.subject = subject.Digest
		if err := c.after(ctx, t, subject.Digest); err != nil {
			return copied{}, err
		}
	}
	if !c.opts.DryRun {
		if err := c.dst.pushManifest(ctx, d, data); err != nil {
			return copied{}, err
		}
	}
	c.report(self.Descriptor, CopySent, d.Size, nil)
	return self, nil
}

// partsOf returns what a manifest names, without what is left out, and fills in what it says of itself.
func (c *copier) partsOf(self *copied, data []byte) (parts []Descriptor, subject *Descriptor, err error) {
	if !indexed(data) {
		m, err := parseManifest(data)
		if err != nil {
			return nil, nil, err
		}
		self.ArtifactType, self.Annotations = artifactType(m), m.Annotations
		return append([]Descriptor{m.Config}, m.Layers...), m.Subject, nil
	}
	index, err := parseIndex(data)
	if err != nil {
		return nil, nil, err
	}
	self.ArtifactType, self.Annotations = index.ArtifactType, index.Annotations
	other := make(map[string]bool) // digests of other platforms, which BuildKit's attestations name
	for _, d := range index.Manifests {
		suits := func(p ocispec.Platform) bool {
			return p.OS == d.Platform.OS && p.Architecture == d.Platform.Architecture &&
				(p.Variant == "" || p.Variant == d.Platform.Variant)
		}
		if c.opts.Platforms != nil && d.Platform != nil && !isAttestation(d) && !slices.ContainsFunc(c.opts.Platforms, suits) {
			other[d.Digest.String()] = true
		}
	}
	for _, d := range index.Manifests {
		if other[d.Digest.String()] || isAttestation(d) && other[d.Annotations["vnd.docker.reference.digest"]] {
			c.leaveOut(d, ErrOtherPlatform)
			continue
		}
		parts = append(parts, d)
	}
	return parts, index.Subject, nil
}

// leaveOut tells of what is not copied and was not begun.
func (c *copier) leaveOut(d Descriptor, reason error) {
	c.mu.Lock()
	c.progress.Total++
	c.progress.TotalBytes += d.Size
	c.mu.Unlock()
	c.leftOut(d)
	c.report(d, CopyLeft, 0, reason)
}

// after waits until the subject of a manifest is in the destination, if it is being copied. Manifests wait for those whose
// digests they contain, and so never for each other.
func (c *copier) after(ctx context.Context, t *task, subject digest.Digest) error {
	c.mu.Lock()
	s := c.tasks[subject]
	c.mu.Unlock()
	if s == nil || s == t {
		return nil
	}
	return s.wait(ctx)
}

// attachments copies what refers to a manifest, which is t.
func (c *copier) attachments(ctx context.Context, d Descriptor, t *task, depth int) error {
	var g errgroup.Group
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		g.Go(func() error { return c.cosign(ctx, d, t, suffix, depth) })
	}
	g.Go(func() error { return c.referrers(ctx, d, t, depth) })
	return g.Wait()
}

// referrers copies what the source lists for a manifest, and has the destination list it.
func (c *copier) referrers(ctx context.Context, d Descriptor, t *task, depth int) error {
	var found []Descriptor
	for r, err := range c.src.listedSurely(ctx, d) {
		if doubt := (*doubtError)(nil); errors.As(err, &doubt) {
			c.mu.Lock()
			c.doubt = err
			c.mu.Unlock()
			break
		}
		if err != nil {
			return err
		}
		found = append(found, r)
	}
	list := make([]Descriptor, len(found))
	var g errgroup.Group
	g.SetLimit(c.src.limits.Requests)
	for i, r := range found {
		g.Go(func() error {
			there, err := c.manifest(ctx, r, nil, depth+1)
			if there.Digest != "" && there.subject != d.Digest {
				err = errors.Join(err, fmt.Errorf("registry: %w: its subject is not what lists it", ErrMalformed))
			} else if there.Digest != "" {
				// As the manifest says, not as the source lists it: other clients choose by artifact type.
				list[i] = there.Descriptor
			}
			return c.leave(ctx, err, r, d, t)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(d Descriptor) bool { return d.Digest == "" })
	if t.wait(ctx) != nil || c.opts.DryRun {
		return nil // whoever waits for it has the error
	}
	// The destination's own listing: a copied fallback index would overwrite what others attached there.
	_, err := c.dst.list(ctx, d, list)
	return err
}

// leave notes an attachment of t that is damaged or not there. It returns errors that are not the attachment's alone.
func (c *copier) leave(ctx context.Context, err error, d, subject Descriptor, t *task) error {
	if err == nil || errors.Is(err, errTooMany) {
		return err
	}
	for _, kind := range []error{ErrNotFound, ErrDigest, ErrMalformed, ErrLimit} {
		if !errors.Is(err, kind) {
			continue
		}
		if t.wait(ctx) != nil {
			return nil // it is the subject that could not be copied
		}
		err = fmt.Errorf("registry: copy %s, attached to %s: %w", d.Digest, subject.Digest, err)
		c.mu.Lock()
		c.left = append(c.left, err)
		c.mu.Unlock()
		c.report(d, CopyLeft, 0, err)
		return nil
	}
	return err
}

// cosign copies what hangs on a manifest by one of cosign's tags.
func (c *copier) cosign(ctx context.Context, d Descriptor, t *task, suffix string, depth int) error {
	c.lookups <- struct{}{}
	var found []Descriptor
	var err error
	for there, e := range c.src.underCosignTags(ctx, d, suffix) {
		if err = e; err == nil {
			found = append(found, there)
		}
	}
	<-c.lookups
	if err != nil {
		return err
	}
	for _, there := range found {
		if _, err := c.manifest(ctx, there, nil, depth+1); err != nil {
			if err = c.leave(ctx, err, there, d, t); err != nil {
				return err
			}
			continue
		}
		if t.wait(ctx) != nil || c.opts.DryRun {
			return nil
		}
		if err := c.tagLayers(ctx, there, d, fallbackTag(d.Digest)+suffix); err != nil {
			return err
		}
	}
	return nil
}

// tagLayers tags a manifest in the destination, or adds its layers to those of the manifest that has the tag there.
func (c *copier) tagLayers(ctx context.Context, d, subject Descriptor, tag string) error {
	there, err := c.dst.backend.Resolve(ctx, tag)
	if errors.Is(err, ErrNotFound) || err == nil && there.Digest == subject.Digest {
		return c.dst.Tag(ctx, d, tag)
	}
	if err != nil || there.Digest == d.Digest {
		return err
	}
	m, err := c.src.Manifest(ctx, d)
	if err != nil {
		return err
	}
	return c.dst.settle(ctx, tag,
		func(ctx context.Context) (tagged, error) { return c.dst.readTagAbout(ctx, tag, subject) },
		func(data []byte) ([]byte, error) { return c.dst.addLayers(ctx, data, m.Layers) })
}

// blob copies a blob, once.
func (c *copier) blob(ctx context.Context, d Descriptor) error {
	if err := valid(d); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	t, begun := c.begin(c.blobs, d)
	if begun {
		return t.wait(ctx)
	}
	defer close(t.done)
	action, reason, err := c.sendBlob(ctx, d)
	t.err = err
	switch {
	case err != nil || action == CopyLeft:
		c.leftOut(d)
		c.report(d, CopyLeft, 0, cmp.Or(err, reason))
	default:
		c.report(d, action, d.Size, nil)
	}
	return t.err
}

func (c *copier) sendBlob(ctx context.Context, d Descriptor) (action CopyAction, reason, err error) {
	if d.Digest == ocispec.DescriptorEmptyJSON.Digest && !c.opts.DryRun {
		return CopySent, nil, c.dst.pushConfig(ctx)
	}
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	case <-ctx.Done():
		return "", nil, ended(ctx)
	}
	if mounted, err := c.mount(ctx, d); mounted || err != nil {
		return CopyMounted, nil, err
	}
	// A small one comes from the source while the destination is asked.
	var early chan fetched
	if d.Size <= maxSingle && !c.opts.DryRun {
		early = make(chan fetched, 1)
		go func() {
			data, err := c.src.readAll(ctx, d)
			early <- fetched{data, err}
		}()
	}
	if e, ok := c.dst.backend.(exister); ok {
		if there, err := e.Exists(ctx, d); there || err != nil {
			return CopyPresent, nil, err
		}
	}
	if c.opts.DryRun {
		return CopySent, nil, nil
	}
	if early != nil {
		err = c.pushEarly(ctx, d, <-early)
	} else {
		err = c.stream(ctx, d)
	}
	if errors.Is(err, ErrNotFound) && len(d.URLs) > 0 {
		return CopyLeft, ErrNotDelivered, nil
	}
	return CopySent, nil, err
}

// mount has the destination take a blob over from the source. The first one shows whether it does: one that does not opens
// an upload for each that it is asked for.
func (c *copier) mount(ctx context.Context, d Descriptor) (mounted bool, err error) {
	m, ok := c.dst.backend.(mounter)
	if !ok || c.opts.DryRun {
		return false, nil
	}
	first := false
	c.tryMount.Do(func() {
		first = true
		mounted, err = m.Mount(ctx, d, c.src.backend)
		c.mounts = mounted
	})
	if !first && c.mounts {
		mounted, err = m.Mount(ctx, d, c.src.backend)
	}
	return mounted, err
}

type fetched struct {
	data []byte
	err  error
}

func (c *copier) pushEarly(ctx context.Context, d Descriptor, f fetched) error {
	if f.err != nil {
		return f.err
	}
	return c.dst.Push(ctx, d, bytes.NewReader(f.data))
}

// stream sends a blob as it comes, and checks it on the way: not every registry that says so has computed the digest of
// what it stored. Whatever breaks, a connection, an upload, a token that ends, the source is asked again: what came
// cannot be sent twice.
func (c *copier) stream(ctx context.Context, d Descriptor) error {
	for try := 1; ; try++ {
		body := &lazyBody{c: c, d: d}
		body.ctx, body.cancel = context.WithCancel(ctx)
		go func() {
			body.mu.Lock()
			defer body.mu.Unlock()
			body.open()
		}()
		err := c.dst.Push(ctx, d, body)
		if failed := body.finish(); failed != nil { // the cause, whatever the destination made of it
			err = failed
		}
		if err == nil || try == maxReads || ctx.Err() != nil || !again(err) || !sleep(ctx, jitter(try)) {
			return err
		}
	}
}

// again reports whether a stream that failed may come through the next time, or show why not: what is refused as invalid
// may have come damaged.
func again(err error) bool {
	return !errors.Is(err, ErrLimit) && !errors.Is(err, ErrUnsupported) && (!errors.Is(err, ErrNotFound) || errors.Is(err, errUploadGone))
}

// lazyBody opens content while the destination is asked for a place. A transport may
// still read it after it gave up the request, so all of it is locked.
type lazyBody struct {
	ctx    context.Context
	cancel context.CancelFunc
	c      *copier
	d      Descriptor

	over        atomic.Bool
	mu          sync.Mutex
	body        io.ReadCloser
	closed      bool
	failed      error // of the source
	moved, told int64
}

// open asks the source, once; l.mu is held.
func (l *lazyBody) open() {
	if l.body == nil && l.failed == nil && !l.closed {
		l.body, l.failed = l.c.src.Fetch(l.ctx, l.d)
	}
}

func (l *lazyBody) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, io.ErrClosedPipe
	}
	l.open()
	if l.failed != nil {
		return 0, l.failed
	}
	n, err := l.body.Read(p)
	if err != nil && err != io.EOF && !l.over.Load() {
		l.failed = err
	}
	if l.moved += int64(n); l.moved-l.told >= 1<<20 && l.moved < l.d.Size {
		l.told = l.moved
		l.c.report(l.d, CopyMoving, l.moved, nil)
	}
	return n, err
}

// finish closes the content, and returns what failed there.
func (l *lazyBody) finish() error {
	l.over.Store(true)
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.body != nil {
		l.body.Close()
	}
	return l.failed
}
