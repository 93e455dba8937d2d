package policy

import (
	"encoding/json"

	"github.com/ladingdev/lading/verify"
)

// A Record is the input of a decision, as far as its rules read it.
type Record struct{}

func (r *Record) fact(key factKey) (json.RawMessage, error) { return nil, ErrNotRecorded }

type recorder struct{}

func (r *recorder) failed(key factKey, err error)         {}
func (r *recorder) read(key factKey, raw json.RawMessage) {}

var _ = verify.Signer{}
