package osv

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxRecord bounds one record, in bytes of JSON: the largest ones published have less than three million.
const maxRecord = 16 << 20

// A found record is one file of a dump.
type found struct {
	name string // of the file, and of the zip that it is in
	data []byte // valid until the next; nil if err says why it cannot be read
	err  error
}

// walk calls take for each record of a source: a zip, a JSON file, or a directory of both.
func walk(path string, buf *bytes.Buffer, take func(found) error, source func(Source)) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return walkFile(path, filepath.Base(path), info.Size(), buf, take, source)
	}
	return filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(name)) {
		case ".zip", ".json":
		default:
			return nil
		}
		info, err := os.Stat(name) // follows a link, which a mirror may have
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(path, name)
		if err != nil {
			return err
		}
		return walkFile(name, filepath.ToSlash(rel), info.Size(), buf, take, source)
	})
}

func walkFile(path, name string, size int64, buf *bytes.Buffer, take func(found) error, source func(Source)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if strings.EqualFold(filepath.Ext(path), ".json") {
		data, err := readRecord(f, size, buf)
		return take(found{name, data, err})
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if err := walkZip(f, name, size, buf, take); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	source(Source{Name: name, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))})
	return nil
}

// What a zip may unzip to: dumps take two to twenty times their size.
const (
	mostUnzipped  = 200
	leastUnzipped = int64(64 << 20) // in bytes, of small ones
)

var errTooLarge = fmt.Errorf("a record of more than %d MiB", maxRecord>>20)

func readRecord(r io.Reader, size int64, buf *bytes.Buffer) ([]byte, error) {
	if size > maxRecord {
		return nil, errTooLarge
	}
	if buf.Cap() > 1<<20 && size < 1<<18 {
		*buf = bytes.Buffer{} // of a large one
	}
	buf.Reset()
	n, err := buf.ReadFrom(io.LimitReader(r, maxRecord+1))
	switch {
	case err != nil:
		return nil, err
	case n > maxRecord:
		return nil, errTooLarge
	}
	return buf.Bytes(), nil
}

// The directory of a zip of 200,000 files takes 60 MiB as archive/zip keeps it. So it is shown a piece at a time: the file as it
// is, followed by some entries of the directory and an end of their own.
const (
	piece        = 64 << 10 // of the directory, in bytes
	entrySize    = 46       // fixed part of an entry (APPNOTE 6.3.10, 4.3.12)
	entrySign    = 0x02014b50
	endSize      = 22 // 4.3.16
	endSign      = 0x06054b50
	end64Size    = 56 // 4.3.14
	end64Sign    = 0x06064b50
	locatorSize  = 20 // 4.3.15
	locatorSign  = 0x07064b50
	maxEntry     = entrySize + 3*0xffff
	maxEndOfFile = endSize + 0xffff
)

func walkZip(f io.ReaderAt, name string, size int64, buf *bytes.Buffer, take func(found) error) error {
	dir, err := directory(f, size)
	if err != nil {
		return err
	}
	pending, at := make([]byte, 0, piece+maxEntry), dir.from
	z := &zipWalk{f, dir.from, name, max(leastUnzipped, mostUnzipped*size), buf, take}
	for at < dir.to || len(pending) > 0 {
		n := min(int64(piece), dir.to-at)
		old := len(pending)
		pending = pending[:old+int(n)]
		if _, err := f.ReadAt(pending[old:], at); err != nil {
			return zipError(err)
		}
		at += n
		whole, count := entries(pending)
		if whole == 0 {
			return fmt.Errorf("%w: its directory is not one", zip.ErrFormat)
		}
		if err := z.piece(pending[:whole], count); err != nil {
			return err
		}
		pending = append(pending[:0], pending[whole:]...)
	}
	return nil
}

// entries returns how many bytes at the beginning of a piece of the directory are whole entries, and how many those are.
func entries(b []byte) (whole int, count uint64) {
	le := binary.LittleEndian
	for len(b)-whole >= entrySize {
		e := b[whole:]
		if le.Uint32(e) != entrySign {
			return 0, 0
		}
		n := entrySize + int(le.Uint16(e[28:])) + int(le.Uint16(e[30:])) + int(le.Uint16(e[32:]))
		if n > len(e) {
			break
		}
		whole += n
		count++
	}
	return whole, count
}

// A zipWalk is a zip that records are read from.
type zipWalk struct {
	file    io.ReaderAt
	content int64 // where the directory begins
	name    string
	left    int64 // how many bytes may still be unzipped
	buf     *bytes.Buffer
	take    func(found) error
}

// piece reads the records that some entries of the directory are about.
func (z *zipWalk) piece(dir []byte, count uint64) error {
	le := binary.LittleEndian
	tail := append([]byte(nil), dir...)
	tail = le.AppendUint64(le.AppendUint32(tail, end64Sign), end64Size-12)
	tail = le.AppendUint64(append(tail, 45, 0, 45, 0), 0) // versions, disks
	tail = le.AppendUint64(le.AppendUint64(tail, count), count)
	tail = le.AppendUint64(le.AppendUint64(tail, uint64(len(dir))), uint64(z.content))
	tail = le.AppendUint32(le.AppendUint32(tail, locatorSign), 0)
	tail = le.AppendUint32(le.AppendUint64(tail, uint64(z.content)+uint64(len(dir))), 1)
	tail = append(le.AppendUint32(tail, endSign), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
	tail = append(tail, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0)
	r, err := zip.NewReader(&spliced{z.file, z.content, tail}, z.content+int64(len(tail)))
	if err != nil {
		return zipError(err)
	}
	for _, entry := range r.File {
		if !strings.HasSuffix(entry.Name, ".json") {
			continue
		}
		data, err := readEntry(entry, z.buf)
		if z.left -= int64(z.buf.Len()); z.left < 0 {
			return fmt.Errorf("%w: it unzips to more than %d times its size", ErrLimit, mostUnzipped)
		}
		if err := z.take(found{z.name + ": " + entry.Name, data, err}); err != nil {
			return err
		}
	}
	return nil
}

func readEntry(entry *zip.File, buf *bytes.Buffer) ([]byte, error) {
	buf.Reset()
	if entry.UncompressedSize64 > maxRecord {
		return nil, errTooLarge
	}
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readRecord(r, int64(entry.UncompressedSize64), buf)
}

// spliced is the beginning of a file, followed by bytes.
type spliced struct {
	file io.ReaderAt
	cut  int64
	tail []byte
}

func (s *spliced) ReadAt(p []byte, off int64) (n int, err error) {
	if off < s.cut {
		n, err = s.file.ReadAt(p[:min(int64(len(p)), s.cut-off)], off)
		if err != nil || n == len(p) {
			return n, err
		}
	}
	if at := off + int64(n) - s.cut; at < int64(len(s.tail)) {
		n += copy(p[n:], s.tail[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// directory finds where the directory of a zip is.
func directory(f io.ReaderAt, size int64) (dir span64, err error) {
	le := binary.LittleEndian
	end := make([]byte, min(size, maxEndOfFile))
	if _, err := f.ReadAt(end, size-int64(len(end))); err != nil && err != io.EOF {
		return dir, err
	}
	at := len(end) - endSize
	for ; at >= 0; at-- {
		if e := end[at:]; le.Uint32(e) == endSign && endSize+int(le.Uint16(e[20:])) == len(e) {
			break
		}
	}
	if at < 0 {
		return dir, fmt.Errorf("%w, or its end is missing", zip.ErrFormat)
	}
	stop := size - int64(len(end)-at)
	length, from := uint64(le.Uint32(end[at+12:])), uint64(le.Uint32(end[at+16:]))
	if length == 0xffffffff || from == 0xffffffff || le.Uint16(end[at+10:]) == 0xffff {
		if big, ok := directory64(f, stop); ok {
			stop, length, from = big.at, big.length, big.from
		}
	}
	if length > uint64(stop) || from != uint64(stop)-length {
		return dir, fmt.Errorf("%w: its directory is not where its end says", zip.ErrFormat)
	}
	return span64{int64(from), stop}, nil
}

type end64 struct {
	at           int64
	length, from uint64
}

func directory64(f io.ReaderAt, stop int64) (end64, bool) {
	le := binary.LittleEndian
	var locator [locatorSize]byte
	if stop < locatorSize+end64Size {
		return end64{}, false
	}
	if _, err := f.ReadAt(locator[:], stop-locatorSize); err != nil || le.Uint32(locator[:]) != locatorSign {
		return end64{}, false
	}
	at := le.Uint64(locator[8:])
	var e [end64Size]byte
	if at > uint64(stop-locatorSize-end64Size) {
		return end64{}, false
	}
	if _, err := f.ReadAt(e[:], int64(at)); err != nil || le.Uint32(e[:]) != end64Sign {
		return end64{}, false
	}
	return end64{int64(at), le.Uint64(e[40:]), le.Uint64(e[48:])}, true
}

func zipError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", zip.ErrFormat)
	}
	return err
}
