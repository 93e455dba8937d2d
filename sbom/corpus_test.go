package sbom

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"testing"
)

// A corpusFile is one document of testdata/corpus.tar.gz with its row of the index.
type corpusFile struct {
	Name   string // path, the first element is cyclonedx, spdx, sbom-real or inspector
	Source string // repository and path upstream
	Expect string // "pass", "fail", "fail: reason" or nothing
	Note   string
	Data   []byte // shared between tests: not to be changed
}

var readCorpus = sync.OnceValues(func() ([]corpusFile, error) {
	f, err := os.Open("testdata/corpus.tar.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	content := map[string][]byte{}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if content[h.Name], err = io.ReadAll(tr); err != nil {
			return nil, err
		}
	}
	var files []corpusFile
	rows := bytes.Split(bytes.TrimSpace(content["INDEX.tsv"]), []byte{'\n'})
	for _, row := range rows[1:] {
		col := strings.Split(string(row), "\t")
		if len(col) != 8 {
			return nil, fmt.Errorf("index row %q has %d columns", row, len(col))
		}
		data, ok := content[col[0]]
		if !ok {
			return nil, fmt.Errorf("%s is in the index and not in the archive", col[0])
		}
		files = append(files, corpusFile{col[0], col[2] + ": " + col[3], col[6], col[7], data})
	}
	if len(files) != 657 {
		return nil, fmt.Errorf("the corpus has %d files, want 657", len(files))
	}
	return files, nil
})

// corpus yields the files of the corpus whose names begin with one of prefixes, or all of them.
func corpus(t testing.TB, prefixes ...string) iter.Seq[corpusFile] {
	t.Helper()
	files, err := readCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(corpusFile) bool) {
		for _, f := range files {
			wanted := len(prefixes) == 0
			for _, p := range prefixes {
				wanted = wanted || strings.HasPrefix(f.Name, p)
			}
			if wanted && !yield(f) {
				return
			}
		}
	}
}

// part is one document in three of the corpus, and all of them with LADING_HEAVY.
func part(t testing.TB, prefixes ...string) iter.Seq[corpusFile] {
	return func(yield func(corpusFile) bool) {
		n := 0
		for f := range corpus(t, prefixes...) {
			if n++; (heavy() || n%3 == 0) && !yield(f) {
				return
			}
		}
	}
}

// least is how many documents of a part there have to be, of so many in all of them.
func least(n int) int {
	if heavy() {
		return n
	}
	return n / 4
}
