// Package osv scans SBOMs with OSV's advisories, without a network: an index of the public dumps in one file.
//
// # What most people call
//
// [Build] indexes dumps as they are published, a zip for each ecosystem
// (https://osv-vulnerabilities.storage.googleapis.com/npm/all.zip and so on). [Open] opens the index, which takes milliseconds
// however large it is, and [DB.Scan] makes a vuln.Report of an SBOM.
//
//	contents, err := osv.Build(ctx, "osv.index", nil, "npm/all.zip", "Debian/all.zip")
//	db, err := osv.Open("osv.index")
//	report, err := db.Scan(ctx, doc)
//
// The index is read in place, and never one that was half written: what is damaged is an error that is [ErrIndex]. It is not
// signed. Whoever takes it from elsewhere verifies the digest of the file, or the signature of the dumps, before.
//
// # What is found
//
// A package URL names the ecosystem and the package. A package of a distribution is looked up by its source package and its
// release, which come from the qualifiers "distro" and "upstream", or the document's component of kind operating-system.
// Versions are ordered as the ecosystem's own tools do. Where these cannot tell whether a version is affected, the
// finding is in the Report all the same, and vuln.Affected.Doubt says why. Components of which the index knows no ecosystem, or
// that name no version, are in Report.Skipped: a Report says what was not assessed.
//
// Records that are aliases of one another are one finding. Withdrawn ones are none.
//
// # What it is not for
//
// It does not fetch dumps, and it does not know commits: records about Git repositories alone are counted, not looked up.
package osv

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Kinds of failure, for errors.Is.
var (
	ErrIndex = errors.New("not a whole index of this version: build it again")
	ErrEmpty = errors.New("no OSV records")
	ErrLimit = errors.New("a dump is over a limit: it is none that OSV publishes")
)

// Contents are what an index was made of.
type Contents struct {
	Records    int                  `json:"records"`             // each once
	Repeated   int                  `json:"repeated,omitempty"`  // older forms of records that were in several sources
	Withdrawn  int                  `json:"withdrawn,omitempty"` // left out
	NoPackage  int                  `json:"noPackage,omitempty"` // left out: about commits only
	Unreadable int                  `json:"unreadable,omitempty"`
	Errors     []string             `json:"errors,omitempty"` // which could not be read, and why: the first hundred
	Sources    []Source             `json:"sources,omitempty"`
	Ecosystems map[string]Ecosystem `json:"ecosystems"` // by OSV's name, with the release of a distribution: "Debian:12"
}

// A Source is a zip that was indexed.
type Source struct {
	Name   string `json:"name"` // relative to the directory that was given
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256"`
}

// An Ecosystem is how much an index knows about one.
type Ecosystem struct {
	Packages int       `json:"packages"` // affected packages of all records
	Newest   time.Time `json:"newest"`   // modification of a record: the dump is not older
}

// A DB is an open index. It is safe for concurrent use.
type DB struct {
	file     io.ReaderAt
	close    func() error
	header   header
	contents *Contents
}

// maxContents bounds the JSON of Contents, in bytes.
const maxContents = 8 << 20

// Open opens an index that Build made.
func Open(path string) (*DB, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("osv: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("osv: %w", err)
	}
	db := &DB{file: f, close: f.Close}
	if err := db.open(info.Size()); err != nil {
		f.Close()
		return nil, fmt.Errorf("osv: %s: %w", path, err)
	}
	return db, nil
}

// Close closes the file.
func (db *DB) Close() error { return db.close() }

// Contents returns what the index was made of. It must not be changed.
func (db *DB) Contents() *Contents { return db.contents }

func (db *DB) open(size int64) error {
	var raw [headerSize]byte
	if _, err := db.file.ReadAt(raw[:], 0); err != nil {
		return damaged(err)
	}
	h := &db.header
	at := len(magic)
	for _, n := range []*uint64{&h.slots, &h.bits, &h.contents, &h.end} {
		*n = binary.LittleEndian.Uint64(raw[at:])
		at += 8
	}
	want := (&header{h.slots, h.bits, h.contents, h.end}).append(nil)
	if string(want) != string(raw[:]) || h.end != uint64(size) {
		return ErrIndex
	}
	if h.bits > maxBits || h.contents < h.slots || h.contents-h.slots != slotSize*(1<<h.bits+1) || h.end < h.contents ||
		h.end-h.contents > maxContents {
		return ErrIndex
	}
	text, err := db.read(nil, h.contents, h.end)
	if err != nil {
		return err
	}
	db.contents = &Contents{}
	if err := json.Unmarshal(text, db.contents); err != nil {
		return damaged(err)
	}
	return nil
}

// read reads what stands between two places, and verifies the checksum at its end.
func (db *DB) read(buf []byte, from, to uint64) ([]byte, error) {
	if to > db.header.end || to < from+4 || to-from > maxBucket {
		return nil, ErrIndex
	}
	n := int(to - from)
	if cap(buf) < n {
		buf = make([]byte, n, n+n/4)
	}
	buf = buf[:n]
	if _, err := db.file.ReadAt(buf, int64(from)); err != nil {
		return nil, damaged(err)
	}
	data := buf[:n-4]
	if binary.LittleEndian.Uint32(buf[n-4:]) != sum(from, data) {
		return nil, fmt.Errorf("%w: a checksum at byte %d is wrong", ErrIndex, from)
	}
	return data, nil
}

// maxBucket bounds what is read at once, in bytes.
const maxBucket = 1 << 30

// bucket reads the bucket of a hash, with a buffer that may be used again; nothing if it is empty.
func (db *DB) bucket(buf []byte, hash uint64) ([]byte, error) {
	if cap(buf) < 2*slotSize {
		buf = make([]byte, 2*slotSize, 4<<10)
	}
	raw := buf[:2*slotSize]
	n := hash >> (64 - db.header.bits)
	if _, err := db.file.ReadAt(raw, int64(db.header.slots+n*slotSize)); err != nil {
		return nil, damaged(err)
	}
	var at [2]uint64
	for i := range at {
		got := binary.LittleEndian.Uint64(raw[i*slotSize:])
		at[i] = got & (1<<40 - 1)
		if slot(n+uint64(i), at[i]) != got {
			return nil, fmt.Errorf("%w: the checksum of bucket %d is wrong", ErrIndex, n+uint64(i))
		}
	}
	if at[0] == at[1] {
		return buf[:0], nil
	}
	return db.read(buf, at[0], at[1])
}

// advisory reads one into a, with a buffer that may be used again.
func (db *DB) advisory(a *advisory, buf *[]byte, at, size uint64) error {
	if size > db.header.end {
		return ErrIndex
	}
	data, err := db.read(*buf, at, at+size+4)
	if err != nil {
		return err
	}
	*buf = data[:0]
	d := decoder{rest: string(data)}
	d.advisory(a)
	if d.bad || d.rest != "" {
		return ErrIndex
	}
	return nil
}

func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrIndex
	}
	return fmt.Errorf("%w: %w", ErrIndex, err)
}
