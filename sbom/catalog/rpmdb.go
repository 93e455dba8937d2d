package catalog

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tags and types of headers (rpm's manual, "Header Format" and "Tags").
const (
	rpmName, rpmVersion, rpmRelease, rpmEpoch   = 1000, 1001, 1002, 1003
	rpmVendor, rpmLicense, rpmURL, rpmArch      = 1011, 1014, 1020, 1022
	rpmSource, rpmProvides, rpmRequires         = 1044, 1047, 1049
	rpmDirIndexes, rpmBaseNames, rpmDirNames    = 1116, 1117, 1118
	rpmModule                                   = 5096
	rpmInt32, rpmString, rpmStrings, rpmLocales = 4, 6, 8, 9
)

var errRPM = errors.New("damaged database of rpm")

// readRPMHeader reads a header: how many entries, how many bytes of data, the entries, the data.
func readRPMHeader(b []byte) (*rpmHeader, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("%w: a header of %d bytes", errRPM, len(b))
	}
	n, size := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	entries := b[8:]
	if n*16+size > int64(len(entries)) {
		return nil, fmt.Errorf("%w: a header of %d entries and %d bytes in %d", errRPM, n, size, len(b))
	}
	data := entries[n*16:][:size]
	h := &rpmHeader{}
	one := map[uint32]*string{rpmName: &h.name, rpmVersion: &h.version, rpmRelease: &h.release, rpmArch: &h.arch,
		rpmSource: &h.source, rpmVendor: &h.vendor, rpmLicense: &h.license, rpmURL: &h.url, rpmModule: &h.module}
	var bases, dirs []string
	many := map[uint32]*[]string{rpmProvides: &h.provides, rpmRequires: &h.requires, rpmBaseNames: &bases, rpmDirNames: &dirs}
	var in []byte // the directory of each base name
	for ; n > 0; n-- {
		tag, kind := binary.BigEndian.Uint32(entries), binary.BigEndian.Uint32(entries[4:])
		at, count := int64(binary.BigEndian.Uint32(entries[8:])), int64(binary.BigEndian.Uint32(entries[12:]))
		entries = entries[16:]
		if at > size {
			if one[tag] != nil || many[tag] != nil || tag == rpmEpoch || tag == rpmDirIndexes {
				return nil, fmt.Errorf("%w: a header's entry for %d is outside of it", errRPM, tag)
			}
			continue // the first entry and others of another layout
		}
		rest := data[at:]
		switch {
		case one[tag] != nil && (kind == rpmString || kind == rpmLocales):
			text, _, _ := bytes.Cut(rest, []byte{0})
			*one[tag] = string(text)
		case many[tag] != nil && kind == rpmStrings:
			list := many[tag]
			for ; count > 0 && len(rest) > 0; count-- {
				var text []byte
				text, rest, _ = bytes.Cut(rest, []byte{0})
				*list = append(*list, string(text))
			}
		case tag == rpmEpoch && kind == rpmInt32 && len(rest) >= 4:
			h.epoch = int(binary.BigEndian.Uint32(rest))
		case tag == rpmDirIndexes && kind == rpmInt32:
			in = rest[:min(int64(len(rest)), count*4)]
		}
	}
	if h.name == "" || h.version == "" {
		return nil, fmt.Errorf("%w: a package without name or version", errRPM)
	}
	// Programs and configuration files are what others ask for by path.
	for i, base := range bases {
		if len(in) < 4*i+4 {
			break
		}
		d := binary.BigEndian.Uint32(in[4*i:])
		if int64(d) >= int64(len(dirs)) {
			return nil, fmt.Errorf("%w: %s has a file in a directory that it has not", errRPM, h.name)
		}
		if dir := dirs[d]; strings.HasSuffix(dir, "bin/") || strings.HasPrefix(dir, "/etc/") {
			h.provides = append(h.provides, dir+base)
			if short, ok := strings.CutPrefix(dir, "/usr/"); ok { // the same directory
				h.provides = append(h.provides, "/"+short+base)
			}
		}
	}
	return h, nil
}

// readSQLite reads a table of headers. SQLite reads files by name, so the database is copied.
func readSQLite(ctx context.Context, r io.ReaderAt, size int64, add func([]byte) error) (err error) {
	file, err := os.CreateTemp("", "lading-catalog-")
	if err != nil {
		return err
	}
	defer func() {
		file.Close()
		err = cmp.Or(err, os.Remove(file.Name()))
	}()
	if _, err := io.Copy(file, io.NewSectionReader(r, 0, size)); err != nil {
		return err
	}
	name := filepath.ToSlash(file.Name())
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // of Windows
	}
	u := url.URL{Scheme: "file", Path: name, RawQuery: "mode=ro&immutable=1&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, maxQuery)
	defer cancel()
	// A view or a column that is made up could be anything, and without end.
	var tables, madeUp int
	for query, to := range map[string]*int{
		"SELECT count(*) FROM sqlite_schema WHERE name = 'Packages' AND type = 'table'": &tables,
		"SELECT count(*) FROM pragma_table_xinfo('Packages') WHERE hidden <> 0":         &madeUp,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(to); err != nil {
			return fmt.Errorf("%w: %w", errRPM, err)
		}
	}
	if tables != 1 || madeUp != 0 {
		return fmt.Errorf("%w: it has no table of packages", errRPM)
	}
	rows, err := db.QueryContext(ctx, "SELECT blob FROM Packages ORDER BY rowid")
	if err != nil {
		return fmt.Errorf("%w: %w", errRPM, err)
	}
	defer rows.Close()
	for rows.Next() {
		var blob sql.RawBytes
		if err := rows.Scan(&blob); err != nil {
			return fmt.Errorf("%w: %w", errRPM, err)
		}
		if size -= int64(len(blob)); size < 0 {
			return fmt.Errorf("%w: its rows are longer than it is", errRPM)
		}
		if err := add(blob); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%w: %w", errRPM, err)
	}
	return nil
}

// readNDB reads rpm's own kind: after 32 bytes 256 slots for each 4 KiB, less the two that the beginning takes; a slot says
// where a header is, in units of 16 bytes (lib/backend/ndb of rpm 4.17).
func readNDB(r io.ReaderAt, size int64, add func([]byte) error) error {
	head := make([]byte, 16)
	if _, err := r.ReadAt(head, 0); err != nil || string(head[:4]) != "RpmP" {
		return fmt.Errorf("%w: it does not begin like one", errRPM)
	}
	pages := int64(binary.LittleEndian.Uint32(head[12:]))
	if pages == 0 || pages*4096 > size {
		return fmt.Errorf("%w: %d pages in %d bytes", errRPM, pages, size)
	}
	slots := make([]byte, pages*4096-32)
	if _, err := r.ReadAt(slots, 32); err != nil {
		return err
	}
	left := size
	for s := range slices.Chunk(slots, 16) {
		if string(s[:4]) != "Slot" {
			return fmt.Errorf("%w: a slot does not begin like one", errRPM)
		}
		index, at := binary.LittleEndian.Uint32(s[4:]), int64(binary.LittleEndian.Uint32(s[8:]))*16
		if index == 0 {
			continue
		}
		blob := make([]byte, 16)
		if _, err := r.ReadAt(blob, at); err != nil || string(blob[:4]) != "BlbS" || binary.LittleEndian.Uint32(blob[4:]) != index {
			return fmt.Errorf("%w: package %d is not where it should be", errRPM, index)
		}
		n := int64(binary.LittleEndian.Uint32(blob[12:]))
		if left -= n; left < 0 {
			return fmt.Errorf("%w: its packages are longer than it is", errRPM)
		}
		blob = make([]byte, n)
		if _, err := r.ReadAt(blob, at+16); err != nil {
			return fmt.Errorf("%w: package %d: %w", errRPM, index, err)
		}
		if err := add(blob); err != nil {
			return err
		}
	}
	return nil
}

// Pages and items of Berkeley DB's hash tables (dbinc/db_page.h of Berkeley DB).
const (
	bdbMagic                              = 0x061561
	bdbUnsorted, bdbOverflow, bdbHash     = 2, 7, 13
	bdbHeader, bdbItem, bdbOffPage, bdbHF = 26, 12, 3, 22
)

// readBDB reads a hash table of Berkeley DB: values are headers, each in a chain of pages of its own.
func readBDB(r io.ReaderAt, size int64, add func([]byte) error) error {
	meta := make([]byte, 72)
	if _, err := r.ReadAt(meta, 0); err != nil {
		return fmt.Errorf("%w: it does not begin like one", errRPM)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(meta[12:]) != bdbMagic {
		order = binary.BigEndian
	}
	pageSize, last := int64(order.Uint32(meta[20:])), int64(order.Uint32(meta[32:]))
	if order.Uint32(meta[12:]) != bdbMagic || pageSize < 512 || pageSize > 64<<10 || pageSize&(pageSize-1) != 0 {
		return fmt.Errorf("%w: it does not begin like one", errRPM)
	}
	if meta[24] != 0 {
		return fmt.Errorf("%w: it is encrypted", errRPM)
	}
	if (last+1)*pageSize > size {
		return fmt.Errorf("%w: %d pages in %d bytes", errRPM, last+1, size)
	}
	page, next := make([]byte, pageSize), make([]byte, pageSize)
	left := size
	// chain reads a value.
	chain := func(number uint32, n int64) ([]byte, error) {
		if left -= n; left < 0 {
			return nil, fmt.Errorf("%w: its packages are longer than it is", errRPM)
		}
		value := make([]byte, 0, n)
		for int64(len(value)) < n {
			if number == 0 || int64(number) > last {
				return nil, fmt.Errorf("%w: a package is cut short", errRPM)
			}
			if _, err := r.ReadAt(next, int64(number)*pageSize); err != nil {
				return nil, err
			}
			used := min(int64(order.Uint16(next[bdbHF:])), n-int64(len(value)))
			if next[25] != bdbOverflow || used == 0 || bdbHeader+used > pageSize {
				return nil, fmt.Errorf("%w: page %d is none of a package", errRPM, number)
			}
			value = append(value, next[bdbHeader:bdbHeader+used]...)
			number = order.Uint32(next[16:])
		}
		if number != 0 {
			return nil, fmt.Errorf("%w: a package is longer than it says", errRPM)
		}
		return value, nil
	}
	for n := int64(1); n <= last; n++ {
		if _, err := r.ReadAt(page, n*pageSize); err != nil {
			return err
		}
		if kind := page[25]; kind != bdbHash && kind != bdbUnsorted {
			continue
		}
		entries := int64(order.Uint16(page[20:]))
		if entries%2 != 0 || bdbHeader+2*entries > pageSize {
			return fmt.Errorf("%w: page %d has %d entries", errRPM, n, entries)
		}
		for i := int64(1); i < entries; i += 2 { // a key, then its value
			at := int64(order.Uint16(page[bdbHeader+2*i:]))
			if at >= pageSize {
				return fmt.Errorf("%w: an entry of page %d is outside of it", errRPM, n)
			}
			if page[at] != bdbOffPage {
				continue // too short for a package
			}
			if at+bdbItem > pageSize {
				return fmt.Errorf("%w: an entry of page %d is outside of it", errRPM, n)
			}
			value, err := chain(order.Uint32(page[at+4:]), int64(order.Uint32(page[at+8:])))
			if err != nil {
				return err
			}
			if err := add(value); err != nil {
				return err
			}
		}
	}
	return nil
}
