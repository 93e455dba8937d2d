package osv

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/versions"
)

// A record is what an OSV record says that a scan needs (ossf.github.io/osv-schema, 1.7.5). Texts are views of its JSON.
type record struct {
	advisory
	modifiedAt time.Time
	withdrawn  bool
	affected   []affected
}

// An advisory is a record without the packages.
type advisory struct {
	id, modified, published string
	aliases, upstream       []string
	severity                []severity
	rating                  string // database_specific.severity: a word
	summary                 string
	references              []string
}

type severity struct{ kind, score string }

// affected is one package of a record.
type affected struct {
	ecosystem, name string
	severity        []severity
	rating          string // of the package, as a word
	versions        []string
	ranges          []versions.Range
}

var (
	errNoID       = errors.New("a record without id")
	errNoModified = errors.New("a record without the time of its modification")
)

func parse(data []byte) (*record, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	rec := &record{}
	for name := range r.Members() {
		switch string(name) {
		case "id":
			rec.id = r.String()
		case "modified":
			rec.modified = r.String()
		case "published":
			rec.published = r.String()
		case "withdrawn":
			rec.withdrawn = r.String() != ""
		case "aliases":
			rec.aliases = texts(r)
		case "upstream":
			rec.upstream = texts(r)
		case "summary":
			rec.summary = r.String()
		case "severity":
			rec.severity = severities(r)
		case "references":
			rec.references = references(r)
		case "database_specific":
			rec.rating = rating(r)
		case "affected":
			for range elements(r) {
				rec.affected = append(rec.affected, readAffected(r))
			}
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if rec.id == "" {
		return nil, errNoID
	}
	var err error
	if rec.modifiedAt, err = time.Parse(time.RFC3339, rec.modified); err != nil {
		return nil, errNoModified
	}
	return rec, nil
}

// elements is an array that may be null.
func elements(r *strictjson.Reader) func(func(int) bool) {
	return func(yield func(int) bool) {
		if r.Null() {
			return
		}
		for i := range r.Array() {
			if !yield(i) {
				return
			}
		}
	}
}

func texts(r *strictjson.Reader) (out []string) {
	for range elements(r) {
		out = append(out, r.String())
	}
	return out
}

func severities(r *strictjson.Reader) (out []severity) {
	for range elements(r) {
		var s severity
		for name := range r.Members() {
			switch string(name) {
			case "type":
				s.kind = r.String()
			case "score":
				s.score = r.String()
			}
		}
		out = append(out, s)
	}
	return out
}

func references(r *strictjson.Reader) (out []string) {
	for range elements(r) {
		for name := range r.Members() {
			if string(name) == "url" {
				out = append(out, r.String())
			}
		}
	}
	return out
}

// rating reads the word for a severity where databases have one: GitHub's "severity", Debian's "urgency".
func rating(r *strictjson.Reader) (out string) {
	if r.Kind() != strictjson.Object {
		r.Skip()
		return ""
	}
	for name := range r.Members() {
		if n := string(name); (n == "severity" || n == "urgency") && r.Kind() == strictjson.String {
			out = r.String()
		}
	}
	return out
}

func readAffected(r *strictjson.Reader) (a affected) {
	for name := range r.Members() {
		switch string(name) {
		case "package":
			for name := range r.Members() {
				switch string(name) {
				case "ecosystem":
					a.ecosystem = r.String()
				case "name":
					a.name = r.String()
				}
			}
		case "severity":
			a.severity = severities(r)
		case "versions":
			a.versions = texts(r)
		case "ranges":
			for range elements(r) {
				a.ranges = append(a.ranges, readRange(r))
			}
		case "ecosystem_specific", "database_specific":
			if word := rating(r); word != "" {
				a.rating = word
			}
		}
	}
	a.dropCommits()
	return a
}

// dropCommits removes ranges of commits, which a version is not in, where there is something else to go by.
func (a *affected) dropCommits() {
	kept := a.ranges[:0:0]
	for _, r := range a.ranges {
		if r.Type != "GIT" {
			kept = append(kept, r)
		}
	}
	if len(kept) > 0 || len(a.versions) > 0 {
		a.ranges = kept
	}
}

func readRange(r *strictjson.Reader) (out versions.Range) {
	for name := range r.Members() {
		switch string(name) {
		case "type":
			out.Type = r.String()
		case "events":
			for range elements(r) {
				out.Events = append(out.Events, readEvent(r))
			}
		}
	}
	return out
}

func readEvent(r *strictjson.Reader) (e versions.Event) {
	for name := range r.Members() {
		switch string(name) {
		case "introduced":
			e.Introduced = r.String()
		case "fixed":
			e.Fixed = r.String()
		case "last_affected":
			e.LastAffected = r.String()
		case "limit":
			e.Limit = r.String()
		}
	}
	return e
}

// The binary form: unsigned varints, texts as a length and bytes, lists as a count and elements.

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

func appendSeverities(b []byte, list []severity) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(appendText(b, s.kind), s.score)
	}
	return b
}

func (a *advisory) append(b []byte) []byte {
	b = appendText(appendText(appendText(b, a.id), a.modified), a.published)
	b = appendTexts(appendTexts(b, a.aliases), a.upstream)
	b = appendText(appendText(appendSeverities(b, a.severity), a.rating), a.summary)
	return appendTexts(b, a.references)
}

func (a *affected) append(b []byte) []byte {
	b = appendText(appendText(b, a.ecosystem), a.name)
	b = appendText(appendSeverities(b, a.severity), a.rating)
	b = appendTexts(b, a.versions)
	b = binary.AppendUvarint(b, uint64(len(a.ranges)))
	for _, r := range a.ranges {
		b = binary.AppendUvarint(appendText(b, r.Type), uint64(len(r.Events)))
		for _, e := range r.Events {
			for _, s := range []string{e.Introduced, e.Fixed, e.LastAffected, e.Limit} {
				b = appendText(b, s)
			}
		}
	}
	return b
}

// A decoder reads the binary form. After what is not of that form everything is empty, and ok is false.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) number() uint64 {
	var v uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		c := d.rest[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return v
		}
	}
	d.rest, d.bad = "", true
	return 0
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.rest, d.bad = "", true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

// count reads how many elements follow, each of at least one byte.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.rest, d.bad = "", true
		return 0
	}
	return int(n)
}

func (d *decoder) texts(list []string) []string {
	n := d.count()
	list = slices.Grow(list, n)
	for range n {
		list = append(list, d.text())
	}
	return list
}

func (d *decoder) severities() (list []severity) {
	n := d.count()
	list = slices.Grow(list, n)
	for range n {
		list = append(list, severity{d.text(), d.text()})
	}
	return list
}

func (d *decoder) advisory(a *advisory) {
	*a = advisory{id: d.text(), modified: d.text(), published: d.text(), aliases: d.texts(nil), upstream: d.texts(nil)}
	a.severity, a.rating, a.summary, a.references = d.severities(), d.text(), d.text(), d.texts(nil)
}

// affected reads into a, whose lists are used again.
func (d *decoder) affected(a *affected) {
	a.ecosystem, a.name, a.severity, a.rating = d.text(), d.text(), d.severities(), d.text()
	a.versions = d.texts(a.versions[:0])
	n := d.count()
	a.ranges = a.ranges[:0]
	for range n {
		var r versions.Range
		if len(a.ranges) < cap(a.ranges) {
			r.Events = a.ranges[:len(a.ranges)+1][len(a.ranges)].Events[:0]
		}
		r.Type = d.text()
		for range d.count() {
			r.Events = append(r.Events, versions.Event{Introduced: d.text(), Fixed: d.text(), LastAffected: d.text(), Limit: d.text()})
		}
		a.ranges = append(a.ranges, r)
	}
}
