// Package losses compares what a library writes of a document with the document itself.
package losses

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
)

// Comparison says how a library writes.
type Comparison struct {
	Library string
	// Appends says that it may add elements of its own at the end of lists, whose order it keeps.
	Appends bool
}

// Between lists what is in a JSON text and not, or in another form, in what the library wrote of it, in the order of paths.
func (c Comparison) Between(text, written []byte) ([]sbom.Loss, error) {
	var was, is any
	if err := errors.Join(decode(text, &was), decode(written, &is)); err != nil {
		return nil, err
	}
	out := c.differences(nil, "", was, is)
	slices.SortFunc(out, func(a, b sbom.Loss) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

func (c Comparison) differences(out []sbom.Loss, path string, was, is any) []sbom.Loss {
	switch was := was.(type) {
	case map[string]any:
		if is, ok := is.(map[string]any); ok {
			for name, v := range was {
				if w, ok := is[name]; ok {
					out = c.differences(out, path+"/"+jsonpointer.Escape(name), v, w)
				} else {
					out = append(out, sbom.Loss{
						Path: path + "/" + jsonpointer.Escape(name), Kind: sbom.Dropped, Reason: c.Library + " does not keep it here",
					})
				}
			}
			return out
		}
	case []any:
		if is, ok := is.([]any); ok && (len(is) == len(was) || c.Appends && len(is) > len(was)) {
			for i := range was {
				out = c.differences(out, path+"/"+strconv.Itoa(i), was[i], is[i])
			}
			return out
		}
	case json.Number:
		if is, ok := is.(json.Number); ok && number(was) == number(is) {
			return out
		}
	default:
		if was == is {
			return out
		}
	}
	return append(out, sbom.Loss{Path: path, Kind: sbom.Changed, Reason: c.Library + " writes it otherwise"})
}

func number(n json.Number) float64 {
	f, _ := n.Float64() // the text is a number
	return f
}
