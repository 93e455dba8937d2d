package osv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// BuildOptions are what Build may be told.
type BuildOptions struct {
	// Progress is called now and then with how many records have been read; nil means that nobody wants to know.
	Progress func(records int)
}

// Build indexes OSV's public dumps into a file at path, which replaces what is there only when it is whole. A source is a zip of
// one ecosystem or of all, as osv-vulnerabilities.storage.googleapis.com has them, one record as JSON, or a directory of these.
// A record that is in several sources is taken in its newest form, which may be that it was withdrawn.
//
// A record that cannot be read does not end Build: the Contents name it, and so does every Report of a scan. A zip that cannot
// be read does: the error wraps zip.ErrFormat, or ErrLimit if it unzips to far more than a dump would. Build needs at most 64 MiB
// of memory, and temporary files beside path of about the size of the index.
func Build(ctx context.Context, path string, o *BuildOptions, sources ...string) (*Contents, error) {
	if len(sources) == 0 {
		return nil, errors.New("osv: nothing to index: name a zip or a directory of OSV's dumps")
	}
	if o == nil {
		o = &BuildOptions{}
	}
	dir := filepath.Dir(path)
	out, err := os.CreateTemp(dir, ".osv-index-*")
	if err != nil {
		return nil, fmt.Errorf("osv: %w", err)
	}
	b := &builder{
		ctx: ctx, progress: o.Progress, file: out, out: bufio.NewWriterSize(out, 1<<17),
		postings: sorter{dir: dir}, ids: sorter{dir: dir}, contents: &Contents{}, ecosystems: map[string]*Ecosystem{},
	}
	defer b.close()
	if err := b.build(sources); err != nil {
		return nil, fmt.Errorf("osv: %w", err)
	}
	if err := errors.Join(out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return nil, fmt.Errorf("osv: %w", err)
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return nil, fmt.Errorf("osv: %w", err)
	}
	return b.contents, nil
}

// The file: a header; the advisories; buckets of what is affected, by the hash of ecosystem and name; where each bucket begins;
// the Contents as JSON.
const (
	magic      = "LadingOSV\x00\x00\x01"
	headerSize = 64
	slotSize   = 8 // of where a bucket begins: five bytes, and three that check them
	maxBits    = 28
)

// A header is at the beginning of the file, and written last.
type header struct {
	slots    uint64 // where the beginnings of buckets are
	bits     uint64 // there are 1<<bits buckets
	contents uint64 // where the Contents are
	end      uint64 // of the file
}

func (h *header) append(b []byte) []byte {
	b = append(b, magic...)
	for _, n := range []uint64{h.slots, h.bits, h.contents, h.end} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = binary.LittleEndian.AppendUint32(b, sum(0, b))
	return append(b, make([]byte, headerSize-len(b))...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is a checksum of data at a place: what stands elsewhere has another.
func sum(place uint64, data []byte) uint32 {
	return crc32.Update(sumNumber(0, place, 8), castagnoli, data)
}

// sumNumber adds the low bytes of a number to a checksum: crc32.Update would make the heap keep them.
func sumNumber(check uint32, n uint64, bytes int) uint32 {
	check = ^check
	for range bytes {
		check = castagnoli[byte(check)^byte(n)] ^ check>>8
		n >>= 8
	}
	return ^check
}

// slot is where a bucket begins, in five bytes, and three of a checksum, little-endian.
func slot(bucket, at uint64) uint64 {
	at &= 1<<40 - 1
	return at | uint64(sumNumber(sumNumber(0, bucket, 8), at, 5))<<40
}

func appendSlot(b []byte, bucket, at uint64) []byte {
	return binary.LittleEndian.AppendUint64(b, slot(bucket, at))
}

// hashKey spreads keys over buckets: FNV-1a and the end of MurmurHash3, since the first bits of the former are poor.
func hashKey(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

type builder struct {
	ctx        context.Context
	progress   func(int)
	file       *os.File
	out        *bufio.Writer
	at         uint64
	postings   sorter // hash, key, number of the record, and what is affected
	ids        sorter // id, time, number of the record
	records    uint32
	packages   uint64 // postings, as an upper bound of keys
	contents   *Contents
	ecosystems map[string]*Ecosystem
	buf        []byte
	entry      []byte
}

func (b *builder) close() {
	b.postings.close()
	b.ids.close()
	b.file.Close()
	os.Remove(b.file.Name()) // fails when all went well
}

func (b *builder) write(data []byte) error {
	_, err := b.out.Write(data)
	b.at += uint64(len(data))
	return err
}

func (b *builder) build(sources []string) error {
	if err := b.write(make([]byte, headerSize)); err != nil {
		return err
	}
	var buf bytes.Buffer
	for _, path := range sources {
		err := walk(path, &buf, b.take, func(s Source) { b.contents.Sources = append(b.contents.Sources, s) })
		if err != nil {
			return err
		}
	}
	buf = bytes.Buffer{}
	if b.records == 0 {
		return fmt.Errorf("%w in %q", ErrEmpty, sources)
	}
	obsolete, err := b.obsolete()
	if err != nil {
		return err
	}
	h := header{bits: uint64(min(bits.Len64(b.packages), maxBits))}
	slots, err := b.writeBuckets(h.bits, obsolete)
	if err != nil {
		return err
	}
	defer os.Remove(slots.Name())
	defer slots.Close()
	h.slots = b.at
	if _, err := slots.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(b.out, slots)
	if err != nil {
		return err
	}
	b.at += uint64(n)
	h.contents = b.at
	b.contents.Ecosystems = map[string]Ecosystem{}
	for name, e := range b.ecosystems {
		b.contents.Ecosystems[name] = *e
	}
	text, err := json.Marshal(b.contents)
	if err != nil {
		return err
	}
	if err := b.write(binary.LittleEndian.AppendUint32(text, sum(h.contents, text))); err != nil {
		return err
	}
	h.end = b.at
	if err := b.out.Flush(); err != nil {
		return err
	}
	if err := b.file.Sync(); err != nil {
		return err
	}
	_, err = b.file.WriteAt(h.append(nil), 0)
	return err
}

// maxUnreadable bounds how many records that cannot be read are named.
const maxUnreadable = 100

func (b *builder) take(f found) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	var rec *record
	err := f.err
	if err == nil {
		rec, err = parse(f.data)
	}
	if err != nil {
		b.contents.Unreadable++
		if len(b.contents.Errors) < maxUnreadable {
			b.contents.Errors = append(b.contents.Errors, f.name+": "+err.Error())
		}
		return nil
	}
	b.records++
	if b.progress != nil && b.records%1000 == 0 {
		b.progress(int(b.records))
	}
	return b.add(rec)
}

func (b *builder) add(rec *record) error {
	seconds := uint64(rec.modifiedAt.Unix()) ^ 1<<63 // so that it sorts
	b.buf = append(append(b.buf[:0], rec.id...), 0)
	b.buf = binary.BigEndian.AppendUint64(b.buf, seconds)
	b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(rec.modifiedAt.Nanosecond()))
	b.buf = binary.BigEndian.AppendUint32(b.buf, b.records)
	if err := b.ids.add(b.buf); err != nil {
		return err
	}
	if rec.withdrawn {
		b.contents.Withdrawn++
		return nil
	}
	packages := 0
	for i := range rec.affected {
		if rec.affected[i].ecosystem != "" && rec.affected[i].name != "" {
			packages++
		}
	}
	if packages == 0 {
		b.contents.NoPackage++
		return nil
	}
	detail := b.at
	b.buf = rec.advisory.append(b.buf[:0])
	size := len(b.buf)
	if err := b.write(binary.LittleEndian.AppendUint32(b.buf, sum(detail, b.buf))); err != nil {
		return err
	}
	for i := range rec.affected {
		a := &rec.affected[i]
		if a.ecosystem == "" || a.name == "" {
			continue
		}
		ecosystem := release(a.ecosystem)
		e := b.ecosystems[ecosystem]
		if e == nil {
			e = &Ecosystem{}
			b.ecosystems[strings.Clone(ecosystem)] = e // it was a view of the record
		}
		if rec.modifiedAt.After(e.Newest) {
			e.Newest = rec.modifiedAt.UTC().Truncate(time.Second)
		}
		key := lookupKey(ecosystem, a.name)
		b.buf = binary.BigEndian.AppendUint64(b.buf[:0], hashKey(key))
		b.buf = binary.BigEndian.AppendUint32(appendText(b.buf, key), b.records)
		b.buf = binary.AppendUvarint(binary.AppendUvarint(b.buf, detail), uint64(size))
		b.buf = a.append(b.buf)
		if err := b.postings.add(b.buf); err != nil {
			return err
		}
		b.packages++
	}
	return nil
}

// obsolete tells which records there is a newer form of, by their numbers.
func (b *builder) obsolete() ([]uint64, error) {
	set := make([]uint64, b.records/64+1)
	var last []byte
	lastNumber := uint32(0)
	for item, err := range b.ids.sorted() {
		if err != nil {
			return nil, err
		}
		id, number := item[:len(item)-17], binary.BigEndian.Uint32(item[len(item)-4:])
		if bytes.Equal(id, last) && lastNumber != 0 {
			set[lastNumber/64] |= 1 << (lastNumber % 64)
			b.contents.Repeated++
		}
		last, lastNumber = append(last[:0], id...), number
	}
	b.ids.close()
	b.contents.Records = int(b.records) - b.contents.Repeated
	return set, nil
}

// writeBuckets writes the buckets, and where they begin into a temporary file.
func (b *builder) writeBuckets(bits uint64, obsolete []uint64) (*os.File, error) {
	slots, err := os.CreateTemp(filepath.Dir(b.file.Name()), ".osv-slots-*")
	if err != nil {
		return nil, err
	}
	if err := b.fillBuckets(bits, obsolete, slots); err != nil {
		slots.Close()
		os.Remove(slots.Name())
		return nil, err
	}
	return slots, nil
}

func (b *builder) fillBuckets(bits uint64, obsolete []uint64, slots *os.File) error {
	w := bufio.NewWriterSize(slots, 1<<16)
	var slot [slotSize]byte
	next := uint64(0) // bucket that has no beginning yet
	begin := func(upTo uint64) {
		for ; next <= upTo; next++ {
			w.Write(appendSlot(slot[:0], next, b.at))
		}
	}
	check := crc32.New(castagnoli)
	open := false
	end := func() error {
		if !open {
			return nil
		}
		open = false
		return b.write(binary.LittleEndian.AppendUint32(nil, check.Sum32()))
	}
	for item, err := range b.postings.sorted() {
		if err != nil {
			return err
		}
		hash, rest := binary.BigEndian.Uint64(item), item[8:]
		length, n := binary.Uvarint(rest)
		number := binary.BigEndian.Uint32(rest[n+int(length):])
		if obsolete[number/64]&(1<<(number%64)) != 0 {
			continue
		}
		if bucket := hash >> (64 - bits); bucket >= next {
			if err := end(); err != nil {
				return err
			}
			begin(bucket)
			check.Reset()
			check.Write(binary.LittleEndian.AppendUint64(nil, b.at))
			open = true
		}
		ecosystem, _, _ := bytes.Cut(rest[n:n+int(length)], []byte{0})
		b.ecosystems[string(ecosystem)].Packages++
		// The number of the record is of no use any more.
		b.entry = append(b.entry[:0], rest[:n+int(length)]...)
		b.entry = append(b.entry, rest[n+int(length)+4:]...)
		b.buf = append(binary.AppendUvarint(b.buf[:0], uint64(len(b.entry))), b.entry...)
		check.Write(b.buf)
		if err := b.write(b.buf); err != nil {
			return err
		}
	}
	if err := end(); err != nil {
		return err
	}
	begin(1 << bits)
	b.postings.close()
	return w.Flush()
}
