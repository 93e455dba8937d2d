package sweep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ladingdev/lading/policy"
)

// ErrState is returned where a State is none of this sweep: of other options, of another version, or no state at all.
var ErrState = errors.New("the state is not one of this sweep")

// stateVersion is that of the form of a State.
const stateVersion = 1

// A record is one line of a State. A page is some records and then one with Unit, which makes them count.
type record struct {
	Sweep   int       `json:"sweep,omitempty"` // the first line: stateVersion
	Started time.Time `json:"started,omitzero"`
	Options string    `json:"options,omitempty"` // digest of what a report depends on

	Row        *Row        `json:"row,omitempty"`
	Definition *definition `json:"definition,omitempty"`
	Judgement  *judgement  `json:"judgement,omitempty"`
	Name       string      `json:"name,omitempty"` // what a later unit is about, such as a cluster

	Unit string `json:"unit,omitempty"` // the page was one of this
	Next string `json:"next,omitempty"` // where its next page begins
	Done bool   `json:"done,omitempty"` // there is no further page
	More int64  `json:"more,omitempty"` // how many tasks ECS says there are, in the clusters of the page
	Over bool   `json:"over,omitempty"` // what came of the unit before does not count: its pages were asked for anew

	End bool `json:"end,omitempty"` // the sweep came to its end
}

// A judgement is what was decided on an image.
type judgement struct {
	Asked    string         `json:"asked"`            // the image, and of the request what the policy sees
	Judged   string         `json:"judged,omitempty"` // REPOSITORY@DIGEST
	Verdict  policy.Verdict `json:"verdict"`
	Rule     string         `json:"rule,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Children []string       `json:"children,omitempty"` // digests of the images of an index
}

// state is what came of the pages so far.
type state struct {
	started     time.Time
	units       map[string]progressOf
	names       map[string][]string // by unit
	definitions map[string]*definition
	judgements  map[string]*judgement
	rows        map[string]table // by unit, so that one can begin anew
	running     int64            // tasks, as ECS counts them
	seen        int64            // of what has an image
}

type progressOf struct {
	next string
	done bool
}

func newState() *state {
	return &state{
		units: map[string]progressOf{}, names: map[string][]string{}, definitions: map[string]*definition{},
		judgements: map[string]*judgement{}, rows: map[string]table{},
	}
}

// apply makes the records of one page count; the last one has the Unit.
func (s *state) apply(page []record) {
	end := page[len(page)-1]
	if end.Over {
		for _, row := range s.rows[end.Unit] {
			s.look(row, -1)
		}
		delete(s.rows, end.Unit)
		delete(s.names, end.Unit)
	}
	rows := s.rows[end.Unit]
	if rows == nil {
		rows = table{}
		s.rows[end.Unit] = rows
	}
	for _, r := range page {
		switch {
		case r.Row != nil:
			rows.add(r.Row)
			s.look(r.Row, 1)
		case r.Definition != nil:
			s.definitions[r.Definition.ARN] = r.Definition
		case r.Judgement != nil:
			s.judgements[r.Judgement.Asked] = r.Judgement
		case r.Name != "":
			s.names[end.Unit] = append(s.names[end.Unit], r.Name)
		}
	}
	s.running += end.More
	s.units[end.Unit] = progressOf{end.Next, end.Done}
}

// look counts a Row with an image as seen, or takes it back.
func (s *state) look(row *Row, sign int64) {
	if row.Image != "" {
		s.seen += sign * row.Count
	}
}

// A journal keeps a state, in a file if it has a name.
type journal struct {
	*state
	file *os.File
}

// openJournal opens the State of a sweep, or begins one. A sweep that came to its end begins anew. A last page that was not written
// whole is cut off.
func openJournal(name, options string, now time.Time) (*journal, error) {
	j := &journal{state: newState()}
	j.started = now
	if name == "" {
		return j, nil
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sweep: the state: %w", err)
	}
	j.file = file
	whole, err := j.read(options)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err == nil && whole == 0 {
		j.state = newState()
		j.started = now
		err = j.write([]record{{Sweep: stateVersion, Started: now, Options: options}})
	}
	if err != nil {
		file.Close()
		if errors.Is(err, ErrState) {
			err = fmt.Errorf("%w: remove %s, or name another file", err, name)
		}
		return nil, fmt.Errorf("sweep: %w", err)
	}
	return j, nil
}

// read returns how many bytes of the file count; none if it is empty, or the sweep came to its end.
func (j *journal) read(options string) (whole int64, err error) {
	in := bufio.NewReader(j.file)
	var page []record
	at := int64(0)
	for {
		text, err := in.ReadBytes('\n')
		if err == io.EOF { // a line without an end was not written whole
			return whole, nil
		}
		if err != nil {
			return 0, err
		}
		at += int64(len(text))
		var r record
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return 0, fmt.Errorf("%w: byte %d: %w", ErrState, at, err)
		}
		switch {
		case whole == 0 && (r.Sweep != stateVersion || r.Started.IsZero()):
			return 0, fmt.Errorf("%w: its first line is not that of a state of version %d", ErrState, stateVersion)
		case whole == 0:
			j.started = r.Started
			if r.Options != options {
				return 0, fmt.Errorf("%w: it was made with other regions, services, families, hooks or rules", ErrState)
			}
			whole = at
		case r.End:
			return 0, nil
		case r.Unit != "":
			j.apply(append(page, r))
			page, whole = nil, at
		default:
			page = append(page, r)
		}
	}
}

// commit writes a page down and makes it count. The last record has the Unit.
func (j *journal) commit(page []record) error {
	if err := j.write(page); err != nil {
		return fmt.Errorf("sweep: the state: %w", err)
	}
	j.apply(page)
	return nil
}

func (j *journal) write(page []record) error {
	if j.file == nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, r := range page {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	_, err := j.file.Write(b.Bytes())
	return err
}

// end says that nothing is left to be done.
func (j *journal) end() error { return j.write([]record{{End: true}}) }

func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
	}
}
