// Package regress keeps regressions as files. A test judges each testdata/regress/NAME.in of its package, and the judgement is compared
// with NAME.want beside it. So a document that was read wrongly becomes a test when it is put there:
//
//	cp failing.json sbom/testdata/regress/what-is-wrong.in
//	go test ./sbom -run TestRegress -update
//
// writes what-is-wrong.want with what the code says today. Whoever knows what is right corrects that file, and then the code.
package regress

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/regress/NAME.want as it is judged now")

// Run judges each testdata/regress/NAME.in in a test of its name. The judgement is text for people, one fact a line, and the same in each
// run: no time, no path, no order of a map.
func Run(t *testing.T, judge func(t *testing.T, in []byte) string) {
	t.Helper()
	dir := filepath.Join("testdata", "regress")
	names, err := inputs(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join(dir, name+".in"))
			if err != nil {
				t.Fatal(err)
			}
			if err := compare(filepath.Join(dir, name+".want"), judge(t, in), *update); err != nil {
				t.Error(err)
			}
		})
	}
}

// inputs are the names in a folder that have a file NAME.in, in order. A NAME.want alone would never be looked at, and so is an error.
func inputs(dir string) (names []string, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".in"); ok {
			names = append(names, name)
			continue
		}
		name, ok := strings.CutSuffix(f.Name(), ".want")
		if !ok {
			return nil, fmt.Errorf("%s: files here are called NAME.in or NAME.want", filepath.Join(dir, f.Name()))
		}
		if _, err := os.Stat(filepath.Join(dir, name+".in")); err != nil {
			return nil, fmt.Errorf("%s has no %s.in: add the input, or delete it", filepath.Join(dir, f.Name()), name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no file NAME.in", dir)
	}
	return names, nil
}

// compare holds a judgement against the file of the one that is right, or writes that file.
func compare(file, got string, update bool) error {
	if update {
		return os.WriteFile(file, []byte(got), 0o644)
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: run this test with -update, which writes it, and correct in it what is not right. Judged now:\n%s", file, got)
	}
	if err != nil {
		return err
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		return fmt.Errorf("%s (-want +got); if what is judged now is right, run this test with -update:\n%s", file, diff)
	}
	return nil
}
