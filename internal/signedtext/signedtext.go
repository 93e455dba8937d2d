// Package signedtext is the list of the texts that signatures are over in the formats that Lading verifies, other than
// files. A key says nothing of what it is for: if a file is such a text, to the byte, the file's signature is also one of
// the other format, for whoever trusts the key there. So signers and verifiers of files refuse it.
//
// A new format that is verified here with a key adds its row to [All].
package signedtext

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/simplesigning"
)

// A Text is what the signatures of one format are over.
type Text struct {
	Name string
	// Is reports whether a file may be such a text, from its first MaxBytes+1 bytes, or all of it if it has fewer. Readers that
	// overlook much are the measure: what one of them takes for the text is one.
	Is func(head []byte) bool
}

// MaxBytes is the size of the largest text that [Text.Is] has to tell from its end on: no longer envelope of Notary Project
// is read. Texts that are told from their beginning may be longer.
const MaxBytes = notation.MaxEnvelope

// All are the texts, each in the terms of its specification.
var All = []Text{
	{"the pre-authentication encoding of a DSSE envelope", dsse.IsPAE},
	{"a simple signing payload", simplesigning.IsPayload},
	{"the signing input of a JWS, as Notary Project has it", notation.IsSigningInput},
	{"the Sig_structure of COSE, as Notary Project has it", notation.IsSigStructure},
	{"the TBSCertificate of an X.509 certificate", isCertificate},
	{"the TBSCertList of a certificate revocation list", isRevocationList},
	{"the ResponseData of an OCSP response", isOCSP},
	{"the signed attributes of a CMS message, such as a timestamp", isSignedAttributes},
	{"the TSTInfo of a timestamp", isTSTInfo},
	{"a transparency log's promise to include an entry", isPromise},
	{"a transparency log's checkpoint", isCheckpoint},
	{"what a certificate transparency log signs of a certificate", isCertificateTimestamp},
	{"metadata of a role of The Update Framework", isMetadata},
}

// ErrSignedText says that a file is one of the texts.
var ErrSignedText = errors.New("what a signature of another format is over")

// File returns a reader of all that r has, having seen that it is a file and none of the texts. It fails with ErrSignedText, or as r does.
func File(r io.Reader) (io.Reader, error) {
	head, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	for _, t := range All {
		if t.Is(head) {
			return nil, fmt.Errorf("%w: %s", ErrSignedText, t.Name)
		}
	}
	return io.MultiReader(bytes.NewReader(head), r), nil
}
