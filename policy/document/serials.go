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
)

// Directory returns Serials that keep one file for each document in a directory, which is made if it is not there. A file that cannot
// be read is an error: whoever may write there can let an older policy in.
func Directory(dir string) Serials { return directory(dir) }

type directory string

// file is named by the document's name in hex, which may have what file systems do not take.
func (d directory) file(name string) string {
	return filepath.Join(string(d), hex.EncodeToString([]byte(name))+".json")
}

func (d directory) Newest(_ context.Context, name string) (v Version, err error) {
	data, err := os.ReadFile(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || v.Serial < 1 || v.Digest == "" {
		return v, fmt.Errorf("%s is damaged: restore it, or remove it to begin anew (%w)", d.file(name), errors.Join(err))
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
		err = os.Rename(f.Name(), d.file(name))
	}
	return err
}
