package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"go.yaml.in/yaml/v3"
)

// decodeEach decodes the values of a mapping one by one: to decode it as a whole compares each key with each other.
func decodeEach[T any](n *yaml.Node) (map[string]T, error) {
	out := map[string]T{}
	for key, value := range pairs(n) {
		var v T
		if err := value.Decode(&v); err != nil {
			return nil, fmt.Errorf("%.200q: %w", key, err)
		}
		out[key] = v
	}
	return out, nil
}

// pairs yields what is in a mapping.
func pairs(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// parseYAML reads the documents of a file, none of whose mappings is longer than any lockfile's.
func parseYAML(data []byte) (out []*yaml.Node, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		if err := boundKeys(&n, 0); err != nil {
			return out, err
		}
		if len(n.Content) > 0 {
			out = append(out, n.Content[0])
		}
	}
}

func boundKeys(n *yaml.Node, depth int) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("%w: an alias, which no tool writes into a lockfile", ErrLimit)
	}
	if n.Kind == yaml.MappingNode && (len(n.Content)/2 > maxKeys || depth > 2 && len(n.Content)/2 > maxNeeds) {
		return fmt.Errorf("%w: a mapping of %d keys", ErrLimit, len(n.Content)/2)
	}
	for _, c := range n.Content {
		if err := boundKeys(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}
