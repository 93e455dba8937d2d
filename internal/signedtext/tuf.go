package signedtext

import (
	"bytes"
	"encoding/json"
	"slices"
)

// isMetadata tells what roles of The Update Framework sign (specification, section 4.2): their metadata as an object in canonical
// JSON, in which a member _type names the role.
func isMetadata(head []byte) bool {
	if !bytes.HasPrefix(head, []byte(`{"`)) || !bytes.Contains(head, []byte(`"_type":"`)) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(head))
	if _, err := d.Token(); err != nil {
		return false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return false
		}
		if name == "_type" {
			return slices.Contains([]string{`"root"`, `"targets"`, `"snapshot"`, `"timestamp"`}, string(value))
		}
	}
	return false
}
