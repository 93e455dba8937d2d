package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/verify"
)

// maxRecord is how long a record may be that is read, in bytes.
const maxRecord = 64 << 20

// ReadRecords reads records, one a line. A line that is none is an error, with its number, and reading goes on; an error of the
// reader ends it. Blank lines are skipped. It reads some lines ahead, for all processors, and takes the memory of those: a line is
// at most 64 MiB.
func ReadRecords(from io.Reader) iter.Seq2[*Record, error] {
	return ordered(textLines(from), func(l textLine) (*Record, error) {
		in := recordReader{strictjson.NewReader(l.text, strictjson.Limits{})}
		r, err := in.record()
		if err != nil {
			return nil, fmt.Errorf("policy: line %d: record: %w", l.number, err)
		}
		return r, nil
	})
}

type textLine struct {
	number int
	text   []byte
}

// textLines yields the lines of a reader that are not blank, each in memory of its own.
func textLines(from io.Reader) iter.Seq2[textLine, error] {
	return func(yield func(textLine, error) bool) {
		buffer := bufio.NewReaderSize(from, 256<<10)
		for n := 1; ; n++ {
			text, err := readLine(buffer)
			if err != nil && err != io.EOF {
				yield(textLine{}, fmt.Errorf("policy: line %d: %w", n, err))
				return
			}
			if text = bytes.TrimSpace(text); len(text) > 0 && !yield(textLine{n, text}, nil) || err == io.EOF {
				return
			}
		}
	}
}

// readLine reads a line into memory of its own.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxRecord {
			return nil, fmt.Errorf("a record of more than %d bytes", maxRecord)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// batch is how many items are worked on before the first of them is yielded.
const batch = 64

// ordered yields f of each item in the order of the items, working on some at the same time. Errors of the sequence are yielded where
// they stand. The sequence runs on the caller's goroutine.
func ordered[T, U any](items iter.Seq2[T, error], f func(T) (U, error)) iter.Seq2[U, error] {
	type slot struct {
		in  T
		out U
		err error
	}
	return func(yield func(U, error) bool) {
		slots := make([]slot, 0, batch)
		flush := func() bool {
			var next atomic.Int64
			var workers sync.WaitGroup
			for range min(runtime.GOMAXPROCS(0), len(slots)) {
				workers.Go(func() {
					for i := next.Add(1) - 1; i < int64(len(slots)); i = next.Add(1) - 1 {
						if s := &slots[i]; s.err == nil {
							s.out, s.err = f(s.in)
						}
					}
				})
			}
			workers.Wait()
			for _, s := range slots {
				if !yield(s.out, s.err) {
					return false
				}
			}
			clear(slots)
			slots = slots[:0]
			return true
		}
		for item, err := range items {
			if slots = append(slots, slot{in: item, err: err}); len(slots) == batch && !flush() {
				return
			}
		}
		flush()
	}
}

// UnmarshalJSON reads what MarshalJSON wrote, strictly: a member that the format does not have, one that is there twice, or another
// version is an error, with its place.
func (r *Record) UnmarshalJSON(data []byte) error {
	in := recordReader{strictjson.NewReader(bytes.Clone(data), strictjson.Limits{})}
	out, err := in.record()
	if err != nil {
		return fmt.Errorf("policy: record: %w", err)
	}
	*r = *out
	return nil
}

// recordReader reads the parts of a record.
type recordReader struct{ *strictjson.Reader }

func (in recordReader) record() (*Record, error) {
	r := &Record{report: new(verify.Report)}
	version, dated := int64(0), false
	for f := in.Fields("version", "name", "subject", "children", "request", "time", "verdict", "reason", "document", "facts",
		"attestations",
		"rejected", "incomplete"); f.Next(); {
		switch f.Name {
		case "version":
			if version = in.Int64(); version != recordVersion {
				in.Fail(fmt.Errorf("a record of version %d: this reads version %d", version, recordVersion))
			}
		case "name":
			r.Name = in.String()
		case "subject":
			r.Subject = in.descriptor()
		case "children":
			in.plain(&r.Children)
		case "request":
			in.plain(&r.Request)
		case "time":
			r.Time, dated = in.time(), true
		case "verdict":
			in.word(&r.Verdict)
		case "reason":
			r.Reason = in.String()
		case "document":
			in.plain(&r.Document)
		case "facts":
			r.facts = in.facts()
		case "attestations":
			in.attestations(r)
		case "rejected":
			for range in.Array() {
				d, err := in.error()
				if d == nil {
					d = new(verify.Descriptor)
				}
				r.report.Rejected = append(r.report.Rejected, &verify.RejectedError{Evidence: *d, Err: err})
			}
		case "incomplete":
			for range in.Array() {
				d, err := in.error()
				if d != nil {
					err = &verify.RejectedError{Evidence: *d, Err: err}
				}
				r.report.Incomplete = append(r.report.Incomplete, err)
			}
		}
	}
	switch err := in.End(); {
	case err != nil:
		return nil, err
	case version == 0 || !dated:
		return nil, errors.New("it has no version, or no time")
	}
	if err := r.Subject.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("subject %.80q: %w", r.Subject.Digest, err)
	}
	r.report.Subject = r.Subject
	for _, a := range r.report.Attestations {
		if a.Subject.Digest == "" {
			a.Subject = verify.Descriptor{Digest: r.Subject.Digest}
		}
	}
	return r, nil
}

func (in recordReader) attestations(r *Record) {
	for range in.Array() {
		a, size := new(verify.Attestation), int64(0)
		var facts []recordedFact
		for f := in.Fields("kind", "subject", "name", "annotations", "predicateType", "predicateSize", "signers", "evidence", "checks",
			"facts"); f.Next(); {
			switch f.Name {
			case "kind":
				in.word(&a.Kind)
			case "subject":
				a.Subject = in.descriptor()
			case "name":
				a.Name = in.String()
			case "annotations":
				a.Annotations = in.texts()
			case "predicateType":
				a.PredicateType = in.String()
			case "predicateSize":
				size = in.Int64()
			case "signers":
				for range in.Array() {
					a.Signers = append(a.Signers, in.signer())
				}
			case "evidence":
				a.Evidence = in.descriptor()
			case "checks":
				for range in.Array() {
					a.Checks = append(a.Checks, in.check())
				}
			case "facts":
				facts = in.facts()
			}
		}
		if in.Err() == nil && (len(a.Signers) == 0 || size < 0) {
			in.Fail(errors.New("an attestation by nobody, or of a size below nothing"))
		}
		r.report.Attestations = append(r.report.Attestations, a)
		r.about, r.sizes = append(r.about, facts), append(r.sizes, int(size))
	}
}

func (in recordReader) signer() (s verify.Signer) {
	for f := in.Fields("identity", "key", "entries", "claims", "signedAt", "timeSource", "accuracy", "name", "until"); f.Next(); {
		switch f.Name {
		case "identity":
			for f := in.Fields("kind", "key", "subject", "issuer", "issuerKey"); f.Next(); {
				switch f.Name {
				case "kind":
					in.word(&s.Identity.Kind)
				case "key":
					s.Identity.Key = in.String()
				case "subject":
					s.Identity.Subject = in.String()
				case "issuer":
					s.Identity.Issuer = in.String()
				case "issuerKey":
					s.Identity.IssuerKey = in.String()
				}
			}
		case "key":
			s.Key = in.String()
		case "entries":
			for range in.Array() {
				s.Entries = append(s.Entries, in.String())
			}
		case "claims":
			s.Claims = in.texts()
		case "signedAt":
			s.SignedAt = in.time()
		case "timeSource":
			in.word(&s.TimeSource)
		case "accuracy":
			s.Accuracy = time.Duration(in.Int64())
		case "name":
			s.Name = in.String()
		case "until":
			s.Until = in.time()
		}
	}
	return s
}

func (in recordReader) check() (c verify.Check) {
	for f := in.Fields("name", "passed", "reason"); f.Next(); {
		switch f.Name {
		case "name":
			c.Name = in.String()
		case "passed":
			if in.Bool() {
				c.Status = verify.Passed
			}
		case "reason":
			c.Reason = in.String()
		}
	}
	return c
}

func (in recordReader) facts() (list []recordedFact) {
	for range in.Array() {
		var fact recordedFact
		for f := in.Fields("name", "value", "error", "indeterminate"); f.Next(); {
			switch f.Name {
			case "name":
				fact.Name = in.String()
			case "value":
				fact.Value = in.Raw()
			case "error":
				fact.Error = in.String()
			case "indeterminate":
				fact.Indeterminate = in.Bool()
			}
		}
		if in.Err() == nil && (fact.Value == nil) == (fact.Error == "") {
			in.Fail(fmt.Errorf("fact %.80q has not either a value or an error", fact.Name))
		}
		if n := len(list); n > 0 && list[n-1].Name >= fact.Name {
			in.Fail(fmt.Errorf("fact %.80q is not after the one before it", fact.Name))
		}
		list = append(list, fact)
	}
	return list
}

func (in recordReader) error() (evidence *verify.Descriptor, _ error) {
	var e recordedError
	for f := in.Fields("evidence", "error", "kinds"); f.Next(); {
		switch f.Name {
		case "evidence":
			d := in.descriptor()
			evidence = &d
		case "error":
			e.text = in.String()
		case "kinds":
			for range in.Array() {
				in.kind(&e)
			}
		}
	}
	return evidence, e
}

func (in recordReader) kind(e *recordedError) {
	word := string(in.Text())
	for _, k := range errorKinds {
		if k.word == word {
			e.kinds = append(e.kinds, k.kind)
			return
		}
	}
	in.Fail(fmt.Errorf("a kind of error that there is not: %.80q", word))
}

func (in recordReader) descriptor() (d verify.Descriptor) {
	for f := in.Fields("mediaType", "artifactType", "digest", "size"); f.Next(); {
		switch f.Name {
		case "mediaType":
			d.MediaType = in.String()
		case "artifactType":
			d.ArtifactType = in.String()
		case "digest":
			d.Digest = digest.Digest(in.String())
		case "size":
			d.Size = in.Int64()
		}
	}
	return d
}

func (in recordReader) texts() map[string]string {
	texts := make(map[string]string)
	for name := range in.Object() {
		texts[string(name)] = in.String()
	}
	return texts
}

func (in recordReader) time() time.Time {
	text := in.Text()
	if in.Err() != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		in.Fail(err)
	}
	return t.UTC()
}

func (in recordReader) word(v interface{ UnmarshalText([]byte) error }) {
	if text := in.Text(); in.Err() == nil {
		if err := v.UnmarshalText(text); err != nil {
			in.Fail(err)
		}
	}
}

// plain reads what is rare, or read by nobody but people, strictly too.
func (in recordReader) plain(v any) {
	raw := in.Raw()
	if in.Err() != nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		in.Fail(err)
	}
}
