package signedtext

import (
	"bytes"
	"slices"

	"github.com/ladingdev/lading/internal/simplesigning"
)

// isMetadata tells what roles of The Update Framework sign (specification, section 4.2): their metadata as an object in canonical
// JSON, in which a member _type names the role.
func isMetadata(head []byte) bool {
	if !bytes.HasPrefix(head, []byte(`{"`)) || !bytes.Contains(head, []byte(`"_type":"`)) {
		return false
	}
	for name, value := range simplesigning.Members(head) {
		if name == "_type" {
			return slices.Contains([]string{`"root"`, `"targets"`, `"snapshot"`, `"timestamp"`}, string(value))
		}
	}
	return false
}
