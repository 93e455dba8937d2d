package document

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Directory returns Serials that keep a file for the newest version of each document in a directory, which is made if it is not there.
// Several processes may use it at the same time: a version never takes the place of a newer one. A file that cannot be read is an
// error: whoever may write there can let an older policy in.
func Directory(dir string) Serials { return directory(dir) }

type directory string

// prefix is what the files of a document begin with: its name in hex, which may have what file systems do not take. The rest is the
// serial, so that no file is ever written over.
func (d directory) prefix(name string) string { return hex.EncodeToString([]byte(name)) + "." }

// versions returns the files of a document by their serials.
func (d directory) versions(name string) (map[int]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files := map[int]string{}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), d.prefix(name))
		if serial, err := strconv.Atoi(strings.TrimSuffix(rest, ".json")); ok && err == nil && strings.HasSuffix(rest, ".json") {
			files[serial] = filepath.Join(string(d), e.Name())
		}
	}
	return files, nil
}

func (d directory) Newest(_ context.Context, name string) (v Version, err error) {
	files, err := d.versions(name)
	if err != nil || len(files) == 0 {
		return v, err
	}
	newest := 0
	for serial := range files {
		newest = max(newest, serial)
	}
	data, err := os.ReadFile(files[newest])
	if errors.Is(err, fs.ErrNotExist) { // another process has just kept a newer one
		return v, fmt.Errorf("the version was changed meanwhile, try again: %w", err)
	}
	if err != nil {
		return v, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || v.Serial != newest || v.Serial < 1 || v.Digest == "" {
		return Version{}, fmt.Errorf("%s is damaged: restore it, or remove it to begin anew (%w)", files[newest], errors.Join(err))
	}
	return v, nil
}

func (d directory) Remember(_ context.Context, name string, v Version) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(string(d), ".serial-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // which is gone where all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(string(d), fmt.Sprintf("%s%010d.json", d.prefix(name), v.Serial)))
	}
	if err != nil {
		return err
	}
	files, err := d.versions(name)
	for serial, file := range files {
		if serial < v.Serial {
			_ = os.Remove(file) // what stays is passed over
		}
	}
	return err
}
