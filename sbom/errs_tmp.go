package sbom

import "errors"

var errNotSBOM = errors.New("not an SBOM")
var errVersion = errors.New("unsupported version")
