package document

import (
	"testing"

	"github.com/ladingdev/lading/internal/regress"
)

// The committed schema is the one that the reader's shapes give, and every field says what it is.
func TestSchema(t *testing.T) {
	regress.File(t, "schema.json", string(Schema()))
	shapes.Range(func(_, s any) bool {
		for _, f := range s.(*shape).fields {
			if f.help == "" {
				t.Errorf("field %s of %s has no help", f.name, s.(*shape).typ)
			}
		}
		return true
	})
}
