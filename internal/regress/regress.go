// Package regress holds results against files, which -update writes anew: [File] one result, [Run] what is said of each
// testdata/regress/NAME.in against NAME.want beside it. So a document that was read wrongly becomes a test when it is put there:
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

var update = flag.Bool("update", false, "write the files that results are held against anew")

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
			File(t, filepath.Join(dir, name+".want"), judge(t, in))
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

// File fails the test if a file does not hold the result, or is not there. With -update it writes the file.
func File(t testing.TB, file, got string) {
	t.Helper()
	if err := compare(file, got, *update); err != nil {
		t.Error(err)
	}
}

func compare(file, got string, update bool) error {
	if update {
		return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: run this test with -update, which writes it, and correct in it what is not right. The result "+
			"now:\n%s", file, got)
	}
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(want), "\r\n", "\n") // as Git may check it out on Windows
	if diff := cmp.Diff(strings.Split(text, "\n"), strings.Split(got, "\n")); diff != "" {
		return fmt.Errorf("%s (-want +got); if the result is right, run this test with -update:\n%s", file, diff)
	}
	return nil
}
