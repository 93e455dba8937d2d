//go:build weight

// Package weight imports the reference library, so that the tests beside it can count what it compiles.
package weight

import (
	_ "github.com/sigstore/sigstore-go/pkg/bundle"
	_ "github.com/sigstore/sigstore-go/pkg/root"
	_ "github.com/sigstore/sigstore-go/pkg/verify"
)
