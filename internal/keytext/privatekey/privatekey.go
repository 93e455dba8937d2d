// Package privatekey reads the text of files with private keys. It is apart from package keytext so that who only verifies does not
// compile it.
package privatekey

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/keytext"
)

// Block returns the one block of a file with a private key. Text before it is passed over, and so are the curve's
// parameters that openssl writes there; anything but white space behind it is an error, and so is a type that is not among
// types.
func Block(data []byte, types ...string) (*pem.Block, error) {
	data = keytext.TrimMark(data)
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" {
		if next, after := pem.Decode(rest); next != nil {
			block, rest = next, after
		}
	}
	switch {
	case block != nil && !slices.Contains(types, block.Type) && hasPrivate(rest, types):
		return nil, fmt.Errorf("the file begins with %s, and the private key is behind it: keep the key's block alone", keytext.Name(data))
	case block == nil || !slices.Contains(types, block.Type):
		return nil, keytext.Explain(data, false)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("more behind the PEM block, so it is not clear which key is meant: keep the block alone")
	}
	return block, nil
}

// hasPrivate reports whether there is a block of one of these types.
func hasPrivate(data []byte, types []string) bool {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return false
		}
		if slices.Contains(types, block.Type) {
			return true
		}
		data = rest
	}
}
