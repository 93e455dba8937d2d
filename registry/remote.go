package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ladingdev/lading/internal/imagename"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Open returns the repository that a name stands for: "ghcr.io/acme/app", with a tag "ghcr.io/acme/app:v1" or a digest
// "ghcr.io/acme/app@sha256:...", which Resolve with an empty reference then means. A name without host, such as
// "alpine" or "acme/app", is one of Docker Hub. Open makes no request.
func Open(name string, o *Options) (*Repository, error) {
	if o == nil {
		o = new(Options)
	}
	if advice := misread(name); advice != "" {
		return nil, fmt.Errorf("registry: %w: %q: %s", ErrInvalid, name, advice)
	}
	ref, err := orasregistry.ParseReference(imagename.Normal(name, o.PlainHTTP))
	if err != nil {
		if advice := adviceOnName(name); advice != "" {
			err = errors.New(advice)
		}
		return nil, fmt.Errorf("registry: %w: %q: %w", ErrInvalid, name, err)
	}
	if err := imagename.CheckHost(ref.Registry); err != nil { // else it would be another name wherever names are compared
		return nil, fmt.Errorf("registry: %w: %q: %w", ErrInvalid, name, err)
	}
	b := &remoteBackend{limits: o.Limits.withDefaults(), anonymous: o.Credential == nil}
	b.repo = &remote.Repository{
		Reference:        orasregistry.Reference{Registry: ref.Registry, Repository: ref.Repository},
		PlainHTTP:        o.PlainHTTP || imagename.IsLoopback(ref.Registry),
		MaxMetadataBytes: b.limits.ManifestBytes,
		ManifestMediaTypes: []string{
			ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, dockerManifest, dockerList,
		},
	}
	client := &auth.Client{
		Header: http.Header{"User-Agent": {"lading"}},
		Cache:  auth.NewCache(),
	}
	name = ref.Registry + "/" + ref.Repository
	transport := http.RoundTripper(&retrier{next: &timeouts{next: o.Transport, after: o.Timeout}})
	if o.Credential != nil {
		l := &login{next: transport, get: o.Credential, repository: name, timeout: o.Timeout}
		client.Credential, transport = l.credential, l
	}
	client.Client = &http.Client{Transport: &challenges{next: transport}, CheckRedirect: checkRedirect}
	b.repo.Client = client
	// The listing of referrers and its fallback are ours: what the client library is told here keeps it out of both.
	if err := b.repo.SetReferrersCapability(true); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	r := New(b, o)
	r.name, r.reference, r.api.name = name, ref.Reference, name
	if o.Cache != nil {
		r.api.cache = o.Cache
	}
	r.slots = o.Cache.slotsOf(ref.Host(), r.limits.Requests)
	b.slots, b.learn = r.slots, r.api.learn
	return r, nil
}

// checkRedirect follows redirects as net/http does, but for those that say something themselves.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if r := req.Response; r != nil && r.StatusCode == http.StatusSeeOther && elsewhere(via[len(via)-1].URL, r.Header.Get("Location")) {
		return http.ErrUseLastResponse
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}

const maxRedirects = 10

type remoteBackend struct {
	repo   *remote.Repository
	limits Limits

	anonymous bool // whoever uses it named no way to log in

	slots  slots
	learn  func(api, lists bool)
	pushed atomic.Bool
	twoPut atomic.Bool // the registry does not take a blob with the request to upload it
}

// scope says which rights a token should have that is asked for on the way. Whoever has pushed will read back, and one
// token for both saves the second.
func (b *remoteBackend) scope(ctx context.Context) context.Context {
	if b.pushed.Load() {
		return auth.AppendRepositoryScope(ctx, b.repo.Reference, auth.ActionPull, auth.ActionPush)
	}
	return auth.AppendRepositoryScope(ctx, b.repo.Reference, auth.ActionPull)
}

func (b *remoteBackend) Resolve(ctx context.Context, reference string) (Descriptor, error) {
	d, err := b.repo.Resolve(b.scope(ctx), reference)
	if err == nil && isManifest(d.MediaType) {
		return d, nil
	}
	if kind := kindOf(err); kind != nil && kind != ErrUnsupported {
		return Descriptor{}, b.wrap("resolve "+reference, err)
	}
	// A registry that has no HEAD, or does not say digest, size or type there: take them from the content.
	t, err := b.readTag(ctx, reference)
	if err != nil {
		return Descriptor{}, err
	}
	if t.data == nil {
		return Descriptor{}, fmt.Errorf("registry: %w: %s in %s", ErrNotFound, reference, b.repo.Reference)
	}
	if !versioned(t.data) { // a page to sign in must not pass for an image
		return Descriptor{}, fmt.Errorf("registry: resolve %s in %s: %w: %d bytes of type %.80q, which are no manifest",
			reference, b.repo.Reference, ErrMalformed, t.desc.Size, t.desc.MediaType)
	}
	if want := digest.Digest(reference); want.Validate() == nil {
		t.desc.Digest = want.Algorithm().FromBytes(t.data)
	}
	return t.desc, nil
}

func (b *remoteBackend) Fetch(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	what, at := "fetch "+d.Digest.String(), "/blobs/"
	if isManifest(d.MediaType) {
		at = "/manifests/"
	}
	// The digest decides, so it does not matter of which size and type the registry says that the content is.
	req, err := b.request(b.scope(ctx), http.MethodGet, at+d.Digest.String(), nil)
	if err != nil {
		return nil, err
	}
	if isManifest(d.MediaType) {
		req.Header.Set("Accept", d.MediaType)
	}
	resp, err := b.repo.Client.Do(req)
	if err != nil {
		return nil, b.wrap(what, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return nil, b.status(what, resp, data)
	}
	return &remoteBody{ReadCloser: resp.Body, b: b, what: what}, nil
}

// remoteBody gives the errors of a broken connection their kind.
type remoteBody struct {
	io.ReadCloser
	b    *remoteBackend
	what string
}

func (r *remoteBody) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.b.wrap(r.what, cut(err))
	}
	return n, err
}

func (b *remoteBackend) Push(ctx context.Context, d Descriptor, content io.Reader, tag string) error {
	b.pushed.Store(true)
	ctx = b.scope(ctx)
	_, inMemory := content.(*bytes.Reader)
	if !isManifest(d.MediaType) && !inMemory && d.Size > maxSingle {
		// A stream: the client library sends it, and knows where credentials may go.
		if err := b.repo.Push(ctx, d, content); err != nil && !errors.Is(err, errdef.ErrAlreadyExists) {
			return b.wrap("push "+d.Digest.String(), err)
		}
		return nil
	}
	data, err := io.ReadAll(check(io.NopCloser(content), d))
	if err != nil {
		return err
	}
	if isManifest(d.MediaType) {
		return b.pushManifest(ctx, d, data, cmp.Or(tag, d.Digest.String()), nil)
	}
	for try := 1; ; try++ {
		err := b.pushBlob(ctx, d, data)
		if err == nil || try == maxReads || !errors.Is(err, errUploadGone) || !sleep(ctx, jitter(try)) {
			return err
		}
	}
}

// errUploadGone says that the registry does not know an upload any more that it opened: time to open another.
var errUploadGone = errors.New("upload gone")

// Exists asks for a blob with HEAD, and believes an answer that gives its size.
func (b *remoteBackend) Exists(ctx context.Context, d Descriptor) (bool, error) {
	there, err := b.repo.Blobs().Resolve(b.scope(ctx), d.Digest.String())
	kind := kindOf(err)
	if err != nil && (kind == nil || kind == ErrNotFound || kind == ErrUnsupported) {
		return false, nil
	}
	if err != nil {
		return false, b.wrap("look for "+d.Digest.String(), err)
	}
	return there.Size == d.Size, nil
}

// request makes a request of the distribution protocol.
func (b *remoteBackend) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	scheme := "https"
	if b.repo.PlainHTTP {
		scheme = "http"
	}
	at := url.URL{Scheme: scheme, Host: b.repo.Reference.Host(), Path: "/v2/" + b.repo.Reference.Repository + path}
	var content io.Reader // nil, and no typed nil
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), content)
	if err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrInvalid, err)
	}
	return req, nil
}

// do sends a request and returns the answer with its body, which is at most as long as a manifest may be. What is only read
// is asked for again if the answer breaks off.
func (b *remoteBackend) do(what string, req *http.Request) (*http.Response, []byte, error) {
	release, err := b.slots.take(req.Context())
	if err != nil {
		return nil, nil, err
	}
	defer release()
	for try := 1; ; try++ {
		resp, data, err := b.doOnce(what, req)
		if err == nil || try == maxReads || req.Method != http.MethodGet || !errors.Is(err, errBroken) ||
			!sleep(req.Context(), jitter(try)) {
			return resp, data, err
		}
	}
}

func (b *remoteBackend) doOnce(what string, req *http.Request) (*http.Response, []byte, error) {
	resp, err := b.repo.Client.Do(req)
	if err != nil {
		return nil, nil, b.wrap(what, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, b.limits.ManifestBytes+1))
	if err != nil {
		return nil, nil, b.wrap(what, cut(err))
	}
	if int64(len(data)) > b.limits.ManifestBytes {
		return nil, nil, fmt.Errorf("registry: %s: %w: the answer has more than %d bytes", what, ErrLimit, b.limits.ManifestBytes)
	}
	return resp, data, nil
}

// maxErrorBody is how much is read of what a registry says about an error.
const maxErrorBody = 8 << 10

// status is the error that an answer is, with what the registry says about it.
func (b *remoteBackend) status(what string, resp *http.Response, body []byte) error {
	e := &errcode.ErrorResponse{Method: resp.Request.Method, URL: resp.Request.URL, StatusCode: resp.StatusCode}
	if len(body) <= maxErrorBody {
		e.Errors = errorsIn(body)
	}
	return b.wrap(what, e)
}

// errorsIn reads an error answer (OCI distribution specification 1.1, "Error Codes"), nil if it is none.
func errorsIn(body []byte) errcode.Errors {
	var answer struct {
		Errors errcode.Errors `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	return answer.Errors
}

// maxSingle is the size of a blob that is sent along with the request to upload it.
const maxSingle = 64 << 10

// pushBlob uploads a blob in one request (OCI distribution specification 1.1, "Single POST"), or in two if the registry
// answers with a place to put it.
func (b *remoteBackend) pushBlob(ctx context.Context, d Descriptor, data []byte) error {
	what := "push " + d.Digest.String()
	single := d.Size <= maxSingle && !b.twoPut.Load()
	body := data
	if !single {
		body = []byte{} // a length of 0, which some registries want to see
	}
	req, err := b.request(ctx, http.MethodPost, "/blobs/uploads/", body)
	if err != nil {
		return err
	}
	if single {
		req.URL.RawQuery = url.Values{"digest": {d.Digest.String()}}.Encode()
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, answer, err := b.do(what, req)
	if err != nil {
		return err
	}
	var place *url.URL
	switch code := resp.StatusCode; {
	case code == http.StatusCreated && single:
		return nil
	case code == http.StatusAccepted:
		b.twoPut.Store(true)
		place, err = resp.Location()
	case single && (code == http.StatusBadRequest || code == http.StatusMethodNotAllowed || code == http.StatusLengthRequired ||
		code == http.StatusUnsupportedMediaType || code == http.StatusRequestEntityTooLarge):
		b.twoPut.Store(true) // it wants no body here
		return b.pushBlob(ctx, d, data)
	default:
		return b.status(what, resp, answer)
	}
	if err != nil || place == nil || place.Host != req.URL.Host || place.Scheme != req.URL.Scheme {
		// Elsewhere: the client library knows where credentials may go.
		if err := b.repo.Push(ctx, d, bytes.NewReader(data)); err != nil && !errors.Is(err, errdef.ErrAlreadyExists) {
			return b.wrap(what, err)
		}
		return nil
	}
	if req, err = b.request(ctx, http.MethodPut, "", data); err != nil {
		return err
	}
	query := place.Query()
	query.Set("digest", d.Digest.String())
	place.RawQuery = query.Encode()
	req.URL = place
	req.Header.Set("Content-Type", "application/octet-stream")
	if resp, answer, err = b.do(what, req); err != nil {
		return err
	}
	if !stored(resp.StatusCode) {
		err := b.status(what, resp, answer)
		if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			err = fmt.Errorf("%w: %w", err, errUploadGone)
		}
		return err
	}
	return nil
}

// stored reports whether an answer to PUT says that content was stored: 201, or what old registries and proxies make of
// it (distribution issue 142). Attach looks whether it is true.
func stored(status int) bool {
	return status == http.StatusCreated || status == http.StatusOK || status == http.StatusAccepted
}

// pushManifest stores a manifest under a tag or its digest; with old on condition that the tag still points there.
func (b *remoteBackend) pushManifest(ctx context.Context, d Descriptor, data []byte, reference string, old *tagged) error {
	what := "write " + reference
	req, err := b.request(ctx, http.MethodPut, "/manifests/"+reference, data)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", d.MediaType)
	// A weak tag never matches here (RFC 9110, section 13.1.1).
	switch {
	case old == nil:
	case old.desc.Digest == "":
		req.Header.Set("If-None-Match", "*")
	case strings.HasPrefix(old.etag, `"`):
		req.Header.Set("If-Match", old.etag)
	}
	resp, answer, err := b.do(what, req)
	switch {
	case err != nil:
		return err
	case old != nil && resp.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", ErrContended, b.status(what, resp, answer))
	case !stored(resp.StatusCode):
		return b.status(what, resp, answer)
	}
	if said := digest.Digest(resp.Header.Get("Docker-Content-Digest")); said.Validate() == nil &&
		said.Algorithm() == d.Digest.Algorithm() && said != d.Digest {
		return fmt.Errorf("registry: %s in %s: %w: stored as %s", what, b.repo.Reference, ErrDigest, said)
	}
	if resp.Header.Get("OCI-Subject") != "" {
		b.learn(true, true)
	}
	return nil
}

func (b *remoteBackend) pushIf(ctx context.Context, d Descriptor, content []byte, tag string, old tagged) error {
	b.pushed.Store(true)
	return b.pushManifest(b.scope(ctx), d, content, tag, &old)
}

// readTag returns what a tag points to. Bytes that are not what the registry says they are were damaged on the way, and
// asked for again.
func (b *remoteBackend) readTag(ctx context.Context, tag string) (tagged, error) {
	for try := 1; ; try++ {
		t, err := b.readTagOnce(ctx, tag)
		if err == nil || try == maxReads || !errors.Is(err, ErrDigest) || !sleep(ctx, jitter(try)) {
			return t, err
		}
	}
}

func (b *remoteBackend) readTagOnce(ctx context.Context, tag string) (tagged, error) {
	what := "read " + tag
	req, err := b.request(b.scope(ctx), http.MethodGet, "/manifests/"+tag, nil)
	if err != nil {
		return tagged{}, err
	}
	req.Header.Set("Accept", strings.Join(b.repo.ManifestMediaTypes, ", "))
	req.Header.Set("Cache-Control", "no-cache") // a tag moves, and what is read here may be written back
	resp, data, err := b.do(what, req)
	if err != nil {
		return tagged{}, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return tagged{}, b.missing(data)
	default:
		return tagged{}, b.status(what, resp, data)
	}
	d := digest.FromBytes(data)
	if said := digest.Digest(resp.Header.Get("Docker-Content-Digest")); said.Validate() == nil && said.Algorithm().FromBytes(data) != said {
		return tagged{}, fmt.Errorf("registry: %s in %s: %w: %d bytes with the digest %s, which should have %s",
			what, b.repo.Reference, ErrDigest, len(data), d, said)
	}
	mediaType := manifestType(data)
	if mediaType == "" {
		mediaType, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	}
	return tagged{
		desc: Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))},
		data: data, etag: resp.Header.Get("ETag"),
	}, nil
}

// hasTag reports whether the registry's list of tags has one (OCI distribution specification 1.1, "Listing Tags"). It
// tells a tag that is not there from one that a registry does not show yet. A registry that does not list tags has none.
func (b *remoteBackend) hasTag(ctx context.Context, tag string) bool {
	// Tags come in lexical order, so the next after this one is the one, if it is there.
	found, err := b.tags(ctx, url.Values{"n": {"1"}, "last": {tag[:len(tag)-1]}})
	return err == nil && slices.Contains(found, tag)
}

func (b *remoteBackend) tags(ctx context.Context, query url.Values) ([]string, error) {
	req, err := b.request(b.scope(ctx), http.MethodGet, "/tags/list", nil)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query.Encode()
	resp, data, err := b.do("list tags", req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, b.status("list tags", resp, data)
	}
	var list struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(data, &list); err != nil || list.Name == "" && list.Tags == nil {
		return nil, fmt.Errorf("registry: list tags in %s: %w: no list of tags", b.repo.Reference, ErrMalformed)
	}
	return list.Tags, nil
}

// answers returns nil if the repository answers as one does that has the subject, or at least other content. Then its
// word that there is no referrers API and no fallback tag can be believed.
func (b *remoteBackend) answers(ctx context.Context, subject Descriptor) error {
	_, err := b.Resolve(ctx, subject.Digest.String())
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	// The subject may be elsewhere, and its evidence would be here.
	if _, e := b.tags(ctx, url.Values{"n": {"1"}}); e == nil {
		return nil
	}
	return fmt.Errorf("registry: referrers of %s: it answers 404 to everything: %w", subject.Digest, err)
}

func (b *remoteBackend) Delete(ctx context.Context, d Descriptor) error {
	ctx = auth.AppendRepositoryScope(ctx, b.repo.Reference, auth.ActionPull, auth.ActionDelete)
	if err := b.repo.Manifests().Delete(ctx, d); err != nil {
		return b.wrap("delete "+d.Digest.String(), err)
	}
	return nil
}

// Referrers lists by the API of the OCI distribution specification 1.1, "Listing referrers".
func (b *remoteBackend) Referrers(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		first, err := b.request(ctx, http.MethodGet, "/referrers/"+subject.Digest.String(), nil)
		if err != nil {
			yield(Descriptor{}, err)
			return
		}
		next := first.URL
		for page := 0; next != nil; page++ {
			if page == b.limits.Pages {
				yield(Descriptor{}, fmt.Errorf("registry: %w: more than %d pages of referrers", ErrLimit, b.limits.Pages))
				return
			}
			index, link, err := b.referrersPage(ctx, next)
			if err != nil {
				if page > 0 && errors.Is(err, ErrUnsupported) {
					err = fmt.Errorf("registry: %w: page %d of the referrers is no index", ErrMalformed, page+1)
				}
				yield(Descriptor{}, err)
				return
			}
			for _, d := range index.Manifests {
				if !yield(d, nil) {
					return
				}
			}
			next = link
		}
	}
}

func (b *remoteBackend) referrersPage(ctx context.Context, at *url.URL) (*ocispec.Index, *url.URL, error) {
	req, err := http.NewRequestWithContext(b.scope(ctx), http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("registry: %w: %w", ErrInvalid, err)
	}
	req.Header.Set("Accept", ocispec.MediaTypeImageIndex)
	req.Header.Set("Cache-Control", "no-cache")
	resp, data, err := b.do("list referrers", req)
	if err != nil {
		return nil, nil, err
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusNotFound {
		if err := b.missing(data); err != nil {
			return nil, nil, err
		}
	}
	if resp.StatusCode == http.StatusOK {
		// An index by another name is one all the same.
		index, err := parseIndex(data)
		if filters := resp.Header.Get("OCI-Filters-Applied"); err == nil && filters != "" {
			// Nobody asked for that: what is between has kept the answer to another question.
			return nil, nil, fmt.Errorf("registry: list referrers in %s: %w: the list is filtered by %.80q", b.repo.Reference,
				ErrMalformed, filters)
		}
		if err == nil {
			link, err := nextLink(at, resp.Header.Values("Link"))
			return index, link, err
		}
		if mediaType == ocispec.MediaTypeImageIndex {
			return nil, nil, err
		}
	}
	if absent := absence(resp, mediaType, data); absent != nil {
		return nil, nil, absent
	}
	if at := resp.Request.URL; resp.Request.Response != nil && mediaType == "text/html" {
		return nil, nil, fmt.Errorf("registry: list referrers in %s: %w: sent to a web page of %.80q: to sign in?", b.repo.Reference,
			ErrMalformed, at.Host)
	}
	if resp.StatusCode == http.StatusOK {
		return nil, nil, fmt.Errorf("registry: list referrers in %s: %w: %d bytes of type %.80q, which are no index",
			b.repo.Reference, ErrMalformed, len(data), mediaType)
	}
	err = b.status("list referrers", resp, data)
	if errors.Is(err, ErrUnsupported) { // which would mean that there is no such list
		err = fmt.Errorf("registry: list referrers in %s: %w: the answer is %d", b.repo.Reference, ErrMalformed, resp.StatusCode)
	}
	return nil, nil, err
}

// nextLink returns the address of the next page (RFC 8288), nil after the last. It must be on the same host, or the
// credentials of one host would travel to another; and it is asked for as the first page was, because behind a proxy
// some registries believe that they are reached without TLS.
func nextLink(at *url.URL, headers []string) (*url.URL, error) {
	for _, header := range headers {
		for _, link := range splitOutside(header, ',') {
			parts := splitOutside(link, ';')
			target, opened := strings.CutPrefix(strings.TrimSpace(parts[0]), "<")
			target, closed := strings.CutSuffix(target, ">")
			broken := opened != closed && strings.Contains(link, "next")
			if !broken && !slices.ContainsFunc(parts[1:], isNext) {
				continue
			}
			next, err := at.Parse(target)
			if !opened || !closed || err != nil {
				return nil, fmt.Errorf("registry: %w: next page at %.80q", ErrMalformed, parts[0])
			}
			if !sameHost(next, at) || next.Scheme != "http" && next.Scheme != "https" {
				return nil, fmt.Errorf("registry: %w: the next page is on another host, %.80q", ErrMalformed, next.Host)
			}
			next.Scheme, next.Host = at.Scheme, at.Host
			return next, nil
		}
	}
	return nil, nil
}

// sameHost reports whether two addresses are at one host, however it is spelled. The scheme may differ, and so the port that
// is left out.
func sameHost(a, b *url.URL) bool {
	return imagename.Host(a.Host, a.Scheme == "http") == imagename.Host(b.Host, b.Scheme == "http")
}

// isNext reports whether a link's parameter says that it leads to the next page.
func isNext(parameter string) bool {
	key, value, _ := strings.Cut(parameter, "=")
	return strings.EqualFold(strings.TrimSpace(key), "rel") &&
		slices.ContainsFunc(strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)), func(r string) bool {
			return strings.EqualFold(r,
				"next")
		})
}

// missing is ErrNotFound if the body of a 404 says that the repository itself is not there, and else nil.
func (b *remoteBackend) missing(body []byte) error {
	if slices.ContainsFunc(errorsIn(body), func(e errcode.Error) bool { return e.Code == errcode.ErrorCodeNameUnknown }) {
		return fmt.Errorf("registry: %w: repository %s", ErrNotFound, b.repo.Reference)
	}
	return nil
}

// wrap gives an error its kind and keeps it as cause.
func (b *remoteBackend) wrap(what string, err error) error {
	kind := kindOf(err)
	if kind == nil {
		kind = ErrMalformed // whatever else the client library does not like about an answer
	}
	var resp *errcode.ErrorResponse
	if errors.As(err, &resp) && slices.ContainsFunc(resp.Errors, func(e errcode.Error) bool {
		return e.Code == errcode.ErrorCodeManifestBlobUnknown || e.Code == errcode.ErrorCodeBlobUnknown
	}) {
		kind = fmt.Errorf("%w: %w", kind, errBlobUnknown)
	}
	if kind == ErrNotFound && resp == nil {
		return fmt.Errorf("registry: %s in %s: %w", what, b.repo.Reference, &notFoundError{err})
	}
	return fmt.Errorf("registry: %s in %s: %w: %w%s", what, b.repo.Reference, kind, err, b.advice(err))
}

func kindOf(err error) error {
	var (
		resp      *errcode.ErrorResponse
		netError  net.Error
		address   *url.Error
		login     *credentialError
		token     *tokenError
		challenge *challengeError
	)
	switch {
	case errors.As(err, &token), errors.Is(err, auth.ErrBasicCredentialNotFound):
		return ErrUnauthorized
	case errors.As(err, &challenge):
		return ErrMalformed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ErrUnavailable
	case errors.As(err, &resp):
		switch code := resp.StatusCode; {
		case code == http.StatusUnauthorized, code == http.StatusForbidden:
			return ErrUnauthorized
		case code == http.StatusNotFound:
			return ErrNotFound
		case code == http.StatusMethodNotAllowed, code == http.StatusNotImplemented,
			// a tag that must not move, a type that must not be pushed
			code == http.StatusConflict, code == http.StatusUnsupportedMediaType:
			return ErrUnsupported
		case passing(code), code >= 500:
			return ErrUnavailable
		case code == http.StatusRequestEntityTooLarge:
			return ErrLimit
		case code == http.StatusBadRequest:
			return ErrInvalid
		}
		return ErrMalformed
	case errors.Is(err, errdef.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, errdef.ErrSizeExceedsLimit):
		return ErrLimit
	case errors.Is(err, errdef.ErrInvalidReference), errors.Is(err, errdef.ErrInvalidDigest):
		return ErrInvalid
	case errors.As(err, &address) && address.Op == "parse":
		return nil
	case errors.As(err, &netError), errors.Is(err, errBroken), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrUnavailable
	case errors.As(err, &login):
		return ErrUnauthorized
	}
	return nil
}

// advice says what to do about an error that a login could mend.
func (b *remoteBackend) advice(err error) string {
	host := b.repo.Reference.Registry
	var resp *errcode.ErrorResponse
	switch {
	case kindOf(err) != ErrUnauthorized:
		return ""
	case b.anonymous:
		return "; to log in, set Options.Credential, such as to DockerCredentials (docker login " + host +
			") or, for Amazon ECR, package registry/ecr"
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return "; Options.Credential gives no user and password for " + host
	case errors.As(err, &resp) && resp.StatusCode == http.StatusForbidden:
		return "; who is logged in may not do this there"
	case errors.As(err, &resp):
		return "; what Options.Credential gives for " + host + " was turned down, or is nothing"
	}
	return ""
}
