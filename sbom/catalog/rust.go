package catalog

import (
	"compress/zlib"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io"
)

// auditable refuses programs whose audit data unpacks to more than any has. What has none, or is WebAssembly, of which that
// cannot be told beforehand, is not for the extractor.
func auditable(r io.ReaderAt) error {
	const most = 16 << 20
	var size uint64
	var section io.Reader
	if f, err := elf.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil && s.Flags&elf.SHF_COMPRESSED == 0 {
			size, section = s.FileSize, io.NewSectionReader(r, int64(s.Offset), int64(s.FileSize))
		} else if s != nil {
			return fmt.Errorf("%w: its audit data is compressed twice", ErrLimit)
		}
	} else if f, err := pe.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			size, section = uint64(s.Size), s.Open()
		}
	} else if f, err := macho.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			size, section = s.Size, s.Open()
		}
	}
	if section == nil {
		return errors.ErrUnsupported // most programs
	}
	if size > most {
		return fmt.Errorf("%w: %d bytes of audit data", ErrLimit, size)
	}
	z, err := zlib.NewReader(section)
	if err != nil {
		return nil // the extractor says so
	}
	if n, _ := io.CopyN(io.Discard, z, most+1); n > most {
		return fmt.Errorf("%w: more than %d bytes of audit data", ErrLimit, most)
	}
	return nil
}
