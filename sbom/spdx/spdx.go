// Package spdx opens SBOMs to programs written for tools-golang: [To] gives a document as its SPDX 2.3 document, [From]
// takes one back.
//
// Use it where such a program is at the other end. tools-golang normalises what it reads: To reports what is not in its
// document, or is there in another form.
package spdx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/ladingdev/lading/sbom"
)

// ErrRefused means that tools-golang does not read or write a document; the cause says why.
var ErrRefused = errors.New("tools-golang does not take the document")

// To returns a document as tools-golang has it, and the places of the document's JSON form that it does not hold as they
// are, as RFC 6901 pointers. The document must be SPDX 2.3 in JSON, to which [sbom.Convert] brings any other.
func To(d *sbom.Document) (doc *v2_3.Document, losses []sbom.Loss, err error) {
	data, err := d.MarshalJSON()
	if err != nil {
		return nil, nil, fmt.Errorf("spdx: %w", err)
	}
	if d.Format() != (sbom.Format{Spec: sbom.SPDX, Version: "2.3"}) {
		return nil, nil, fmt.Errorf("spdx: %w: it is %v", sbom.ErrVersion, d.Format())
	}
	doc = new(v2_3.Document)
	if err := guard(func() error { return spdxjson.ReadInto(bytes.NewReader(data), doc) }); err != nil {
		return nil, nil, err
	}
	back, err := encode(doc)
	if err != nil {
		return nil, nil, err
	}
	var was, is map[string]any
	if err := errors.Join(decode(data, &was), decode(back, &is)); err != nil {
		return nil, nil, fmt.Errorf("spdx: %w", err)
	}
	losses = differences(nil, "", was, is)
	slices.SortFunc(losses, func(a, b sbom.Loss) int { return strings.Compare(a.Path, b.Path) })
	return doc, losses, nil
}

// From returns tools-golang's document as a document.
func From(doc *v2_3.Document) (*sbom.Document, error) {
	data, err := encode(doc)
	if err != nil {
		return nil, err
	}
	d, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("spdx: %w", err)
	}
	return d, nil
}

// guard turns a panic of the library, such as over a null in a list, into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			err = fmt.Errorf("spdx: %w: %w", ErrRefused, err)
		}
	}()
	return f()
}

func encode(doc *v2_3.Document) ([]byte, error) {
	var b bytes.Buffer
	err := guard(func() error {
		if doc == nil {
			return errors.New("nil")
		}
		return spdxjson.Write(doc, &b, spdxjson.Indent("  "), spdxjson.EscapeHTML(false))
	})
	return b.Bytes(), err
}

func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// differences lists what is in one value and not in the other. The order of the elements of a document is kept by the
// library, so lists are compared in order; relationships that the library adds stand behind them.
func differences(out []sbom.Loss, path string, was, is any) []sbom.Loss {
	switch was := was.(type) {
	case map[string]any:
		if is, ok := is.(map[string]any); ok {
			for name, v := range was {
				if w, ok := is[name]; ok {
					out = differences(out, path+"/"+escape(name), v, w)
				} else {
					out = append(out, sbom.Loss{Path: path + "/" + escape(name), Kind: sbom.Dropped, Reason: "tools-golang does not keep it here"})
				}
			}
			return out
		}
	case []any:
		if is, ok := is.([]any); ok && len(is) >= len(was) {
			for i := range was {
				out = differences(out, path+"/"+strconv.Itoa(i), was[i], is[i])
			}
			return out
		}
	default:
		if was == is {
			return out
		}
	}
	return append(out, sbom.Loss{Path: path, Kind: sbom.Changed, Reason: "tools-golang writes it otherwise"})
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
