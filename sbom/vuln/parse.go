package vuln

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom"
)

// Kinds of failure, for errors.Is.
var (
	ErrFormat  = errors.New("not a vulnerability report") // of no format that is known; the text says what it is, if that is known
	ErrInvalid = errors.New("the report breaks its format")
	ErrLimit   = errors.New("the report is over a limit") // of size or depth
)

// Limits of Parse and ParseVEX.
const (
	maxBytes = 256 << 20
	maxDepth = 200
)

// Parse reads the output of a scanner, or a predicate, of any format that the package comment lists. It refuses what two
// readers could take differently: members that occur twice, or in another case.
//
// Errors wrap [ErrFormat], [ErrInvalid] or [ErrLimit].
func Parse(r io.Reader) (*Report, error) {
	data, err := read(r)
	if err != nil {
		return nil, err
	}
	report, _, err := parse(data, true)
	if err != nil {
		return nil, fmt.Errorf("vuln: %w", err)
	}
	return report, nil
}

func read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("vuln: %w", err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("vuln: %w: more than %d bytes", ErrLimit, maxBytes)
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}

// A format is one that Parse knows.
type format struct {
	name    string
	matches func(has func(...string) bool) bool // by the members at the top of the document
	read    func(*builder, []byte) error
}

// formats are tried in order.
func formats() []format {
	return []format{
		{"cyclonedx", func(has func(...string) bool) bool { return has("bomFormat") }, readCycloneDX},
		{"inspector", func(has func(...string) bool) bool {
			return has("vulnerability_count") || has("messages", "vulnerabilities")
		}, readInspector},
		{"inspector-findings", func(has func(...string) bool) bool { return has("findings") }, readFindings},
		{"grype", func(has func(...string) bool) bool { return has("matches", "descriptor") }, readGrype},
		{"trivy", func(has func(...string) bool) bool {
			return has("SchemaVersion") && (has("Results") || has("ArtifactName") || has("ArtifactType"))
		}, readTrivy},
		{"sarif", func(has func(...string) bool) bool { return has("runs", "version") }, readSARIF},
		{"openvex", func(has func(...string) bool) bool { return has("@context", "statements") }, readGovulncheckVEX},
		{"vulns", func(has func(...string) bool) bool { return has("scanner") }, readPredicate},
		{"osv-scanner", func(has func(...string) bool) bool { return has("results") && !has("scan_id") }, readOSVScanner},
	}
}

// strangers are documents that come by mistake, by a member that only they have, and what to do with them.
var strangers = []struct{ member, say string }{
	{"predicateType", "it is an in-toto statement: verify it, and give its predicate"},
	{"payloadType", "it is a DSSE envelope: verify it, and give its predicate"},
	{"mediaType", "it is an OCI manifest or a bundle"},
	{"spdxVersion", "it is an SPDX document, which has no vulnerabilities: scan it"},
	{"document", "it is a CSAF document: ParseVEX reads it"},
	{"@context", "it is neither OpenVEX nor a report"},
}

// parse also returns the name of the format that the document is of.
func parse(data []byte, wrapped bool) (report *Report, form string, err error) {
	if data, err = fromXML(data); err != nil {
		return nil, "", err
	}
	names, raw, stream, err := top(data)
	if err != nil {
		return nil, "", err
	}
	has := func(want ...string) bool {
		return !slices.ContainsFunc(want, func(n string) bool { return !slices.Contains(names, n) })
	}
	if inner := raw["sbom"]; wrapped && len(names) == 1 && inner != nil { // an answer of ScanSbom
		return parse(inner, false)
	}
	all := formats()
	if stream || len(names) == 1 && slices.Contains(govulncheckMessages, names[0]) {
		all = []format{{"govulncheck", func(func(...string) bool) bool { return true }, readGovulncheck}}
	}
	for _, f := range all {
		if f.matches(has) {
			b := newBuilder()
			b.report.Format = f.name
			if err := f.read(b, data); err != nil {
				return nil, "", fmt.Errorf("%s: %w", f.name, err)
			}
			return b.done(), f.name, nil
		}
	}
	for _, s := range strangers {
		if has(s.member) {
			return nil, "", fmt.Errorf("%w: %s", ErrFormat, s.say)
		}
	}
	return nil, "", fmt.Errorf("%w: no scanner writes an object of the members %.100q", ErrFormat, names)
}

// fromXML makes JSON of CycloneDX in XML.
func fromXML(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("<")) {
		return data, nil
	}
	doc, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	doc, _, err = sbom.Encode(doc, sbom.JSON, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return doc.MarshalJSON()
}

// top checks the text and returns the members of the object that it is; of a stream of objects, that of the first.
func top(data []byte) (names []string, raw map[string][]byte, stream bool, err error) {
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return nil, nil, false, fmt.Errorf("%w: it is empty", ErrFormat)
	}
	r := strictjson.NewReader(data, strictjson.Limits{Depth: maxDepth})
	if r.Kind() != strictjson.Object {
		if err := r.Err(); err != nil {
			return nil, nil, false, invalid(err)
		}
		return nil, nil, false, fmt.Errorf("%w: it is no JSON object", ErrFormat)
	}
	raw = map[string][]byte{}
	for name := range r.Object() {
		n := string(name)
		names = append(names, n)
		raw[n] = r.Raw()
	}
	if err := r.Err(); err != nil {
		return nil, nil, false, invalid(err)
	}
	stream = len(bytes.TrimSpace(data[r.Offset():])) > 0
	if stream && !(len(names) == 1 && slices.Contains(govulncheckMessages, names[0])) {
		return nil, nil, false, fmt.Errorf("%w: something follows the JSON object", ErrInvalid)
	}
	return names, raw, stream, nil
}

func invalid(err error) error {
	if errors.Is(err, strictjson.ErrLimit) {
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// decode reads strict JSON into v, as encoding/json does, but for names, which are compared to the letter.
func decode(data []byte, v any) error {
	r := strictjson.NewReader(data, strictjson.Limits{Depth: maxDepth})
	checkNames(r, reflect.TypeOf(v).Elem())
	if err := r.End(); err != nil {
		return invalid(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return invalid(err)
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// checkNames reads a value as one of type t: names of members that differ in case from one of t's are an error.
func checkNames(r *strictjson.Reader, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case reflect.PointerTo(t).Implements(unmarshaler):
		r.Skip()
	case t.Kind() == reflect.Struct && r.Kind() == strictjson.Object:
		names, types := members(t)
		for name := range r.Object(names...) {
			if inner, ok := types[string(name)]; ok {
				checkNames(r, inner)
			}
		}
	case t.Kind() == reflect.Slice && r.Kind() == strictjson.Array:
		for range r.Array() {
			checkNames(r, t.Elem())
		}
	case t.Kind() == reflect.Map && r.Kind() == strictjson.Object:
		for range r.Object() {
			checkNames(r, t.Elem())
		}
	default:
		r.Skip()
	}
}

type structMembers struct {
	names []string
	types map[string]reflect.Type
}

var memberCache sync.Map // of reflect.Type to structMembers: what the types of this package say of themselves

func members(t reflect.Type) ([]string, map[string]reflect.Type) {
	if m, ok := memberCache.Load(t); ok {
		return m.(structMembers).names, m.(structMembers).types
	}
	m := structMembers{types: map[string]reflect.Type{}}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.Anonymous && !f.IsExported() {
			continue
		}
		if f.Anonymous && name == "" {
			names, types := members(f.Type)
			m.names = append(m.names, names...)
			for k, v := range types {
				m.types[k] = v
			}
			continue
		}
		m.names = append(m.names, name)
		m.types[name] = f.Type
	}
	memberCache.Store(t, m)
	return m.names, m.types
}

// A builder puts a Report together: findings by kind and id, places by what they name.
type builder struct {
	report   *Report
	findings []*Finding
	index    map[string]*Finding
	places   map[place]int
	noted    map[string]bool
	rated    map[ratingOf]bool
}

type place struct {
	finding                              *Finding
	id, purl, name, version, file, lines string
}

func newBuilder() *builder {
	return &builder{report: &Report{}, index: map[string]*Finding{}, places: map[place]int{}, noted: map[string]bool{},
		rated: map[ratingOf]bool{}}
}

// finding returns the finding with an id, made if there is none.
func (b *builder) finding(kind Kind, id string) (*Finding, error) {
	if id == "" {
		return nil, fmt.Errorf("%w: a finding has no id", ErrInvalid)
	}
	key := string(kind) + "\x00" + id
	f := b.index[key]
	if f == nil {
		f = &Finding{ID: id, Kind: kind}
		b.index[key] = f
		b.findings = append(b.findings, f)
	}
	return f, nil
}

// affect adds a place, or adds to the one that names the same component.
func (b *builder) affect(f *Finding, a Affected) {
	c := &a.Component
	k := place{finding: f, id: c.ID, purl: c.PURL, file: a.File, lines: a.Lines}
	if c.PURL != "" {
		k.id = "" // listed twice in one document, it is one package all the same
	} else {
		k.name, k.version = c.Name, c.Version
	}
	i, ok := b.places[k]
	if !ok {
		b.places[k] = len(f.Affects)
		f.Affects = append(f.Affects, a)
		return
	}
	have := &f.Affects[i]
	have.Component.Paths = union(have.Component.Paths, c.Paths)
	have.Fixed = union(have.Fixed, a.Fixed)
	if have.Fix == "" {
		have.Fix = a.Fix
	}
	if a.Doubt == "" { // who is sure counts
		have.Doubt = ""
	}
	if a.Status != have.Status { // one says nothing, or something else: what stands is the worse
		have.Status = worse(have.Status, a.Status)
	}
	have.VEX = append(have.VEX, a.VEX...)
}

// worse returns the status that suppresses less.
func worse(a, b Status) Status {
	for _, s := range []Status{StatusAffected, "", StatusInvestigated, StatusFixed} {
		if a == s || b == s {
			return s
		}
	}
	return StatusNotAffected
}

// union appends what of b is not in a. Long lists are looked up, not searched: reports are written by strangers.
func union(a, b []string) []string {
	if len(a)+len(b) > 64 {
		have := make(map[string]bool, len(a)+len(b))
		for _, s := range a {
			have[s] = true
		}
		for _, s := range b {
			if s != "" && !have[s] {
				have[s] = true
				a = append(a, s)
			}
		}
		return a
	}
	for _, s := range b {
		if s != "" && !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// rating adds a rating, completed, and notes what is wrong with it.
func (b *builder) rating(f *Finding, r Rating) {
	if problem := rate(&r); problem != "" {
		b.note("%s: %s", f.ID, problem)
	}
	if k := (ratingOf{f, r}); !b.rated[k] {
		b.rated[k] = true
		f.Ratings = append(f.Ratings, r)
	}
}

type ratingOf struct {
	finding *Finding
	rating  Rating
}

func (b *builder) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !b.noted[text] {
		b.noted[text] = true
		b.report.Notes = append(b.report.Notes, text)
	}
}

// time reads a time of any of the forms that scanners write. What is none is noted, and is the zero time.
func (b *builder) time(what, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02", "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			if t = t.UTC(); t.Year() <= 1 {
				return time.Time{} // Go programs write their zero time
			}
			return t
		}
	}
	b.note("%s: %.60q is no time", what, text)
	return time.Time{}
}

// severity reads a word. What is none is noted, and unknown.
func (b *builder) severity(what, word string) Severity {
	s, ok := ParseSeverity(word)
	if !ok {
		b.note("%s: severity %.60q is not known", what, word)
	}
	return s
}

// done returns the report with its findings.
func (b *builder) done() *Report {
	for _, f := range b.findings {
		if f.Severity == Unknown {
			f.Severity = overall(f)
		}
		f.Aliases = slices.DeleteFunc(f.Aliases, func(a string) bool { return a == f.ID })
		if len(f.Aliases) == 0 {
			f.Aliases = nil
		}
		if len(f.CWEs) == 0 {
			f.CWEs = nil
		}
		b.report.Findings = append(b.report.Findings, *f)
	}
	return b.report
}

// overall chooses the severity of a finding among its ratings: that of the advisory's own source, then NVD's, then the
// highest. So the counts are those of Amazon Inspector and of Trivy, whose CycloneDX has no overall severity.
func overall(f *Finding) Severity {
	best := Unknown
	for _, source := range []string{f.Source.Name, "NVD"} {
		for _, r := range f.Ratings {
			if source != "" && strings.EqualFold(r.Source, source) && !isEPSS(r) {
				best = max(best, r.Severity)
			}
		}
		if best != Unknown {
			return best
		}
	}
	for _, r := range f.Ratings {
		if !isEPSS(r) {
			best = max(best, r.Severity)
		}
	}
	return best
}

func isEPSS(r Rating) bool {
	return strings.EqualFold(r.Source, "EPSS") || strings.EqualFold(r.Method, "EPSS")
}
