package document

import (
	"bytes"
	"encoding/json"
	"sort"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/strictyaml"
)

// canonical appends a node as JSON without white space, the members of each object by the order of their names' bytes. Comments,
// the order of fields and how a text is quoted change nothing.
func canonical(b []byte, n *yaml.Node) []byte {
	switch strictyaml.KindOf(n) {
	case strictjson.Object:
		order := make([]int, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			order = append(order, i)
		}
		sort.Slice(order, func(i, j int) bool { return n.Content[order[i]].Value < n.Content[order[j]].Value })
		b = append(b, '{')
		for i, at := range order {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, n.Content[at].Value), ':')
			b = canonical(b, n.Content[at+1])
		}
		return append(b, '}')
	case strictjson.Array:
		b = append(b, '[')
		for i, c := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			b = canonical(b, c)
		}
		return append(b, ']')
	case strictjson.Null:
		return append(b, "null"...)
	case strictjson.True:
		return append(b, "true"...)
	case strictjson.False:
		return append(b, "false"...)
	case strictjson.Number:
		return append(b, n.Value...)
	}
	return appendText(b, n.Value)
}

// appendText appends a text as JSON has it.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var buf bytes.Buffer
			e := json.NewEncoder(&buf)
			e.SetEscapeHTML(false)
			_ = e.Encode(s) // a text never fails
			return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
