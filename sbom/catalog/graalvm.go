package catalog

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
)

// graalvm finds the SBOM in a program of GraalVM's native-image: compressed CycloneDX at the symbol sbom, as long as the
// number at sbom_length says ("Native Image", Software Bill of Materials).
type graalvm struct{}

func (graalvm) Name() string { return "java/graalvm" }

func (graalvm) Version() int { return 0 }

func (graalvm) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired takes what no name says more of than that it may be a program.
func (graalvm) FileRequired(api filesystem.FileAPI) bool {
	info, err := api.Stat()
	return err == nil && info.Mode().IsRegular() && (info.Mode()&0o111 != 0 || strings.Contains(path.Base(api.Path()), ".so"))
}

func (graalvm) Extract(context.Context, *filesystem.ScanInput) (out inventory.Inventory, err error) {
	return out, nil
}

func graalvmDetails(c *collector, f *found) error {
	r := f.file.(io.ReaderAt)
	e, err := elf.NewFile(r)
	if err != nil {
		return nil // of another system
	}
	if e.Section(".svm_heap") == nil {
		return nil // no native image
	}
	symbols, err := e.DynamicSymbols()
	if err != nil {
		return nil // most are without
	}
	at := map[string]elf.Symbol{}
	for _, s := range symbols {
		if s.Name == "sbom" || s.Name == "sbom_length" {
			at[s.Name] = s
		}
	}
	if len(at) != 2 {
		return nil
	}
	length, err := atAddress(e, at["sbom_length"].Value, 8)
	if err != nil {
		return err
	}
	n := e.ByteOrder.Uint64(length)
	if n > maxText {
		return fmt.Errorf("%w: an SBOM of %d bytes", ErrLimit, n)
	}
	packed, err := atAddress(e, at["sbom"].Value, n)
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("its SBOM: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(z, maxText+1))
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("%w: an SBOM of more than %d bytes", ErrLimit, maxText)
	}
	if err != nil {
		return fmt.Errorf("its SBOM: %w", err)
	}
	c.claim(f.path, data, nil)
	return nil
}

// atAddress reads what a program has in memory at an address.
func atAddress(e *elf.File, address, n uint64) ([]byte, error) {
	for _, p := range e.Progs {
		if p.Type == elf.PT_LOAD && address >= p.Vaddr && n <= p.Filesz && address-p.Vaddr <= p.Filesz-n {
			out := make([]byte, n)
			_, err := p.ReadAt(out, int64(address-p.Vaddr))
			return out, err
		}
	}
	return nil, errors.New("its SBOM is outside of the file")
}
