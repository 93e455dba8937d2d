package registry

import "errors"

// Kinds of failure, for errors.Is.
var (
	ErrNotFound     = errors.New("not found")
	ErrUnauthorized = errors.New("not authorised")                // 401 and 403
	ErrUnavailable  = errors.New("registry unavailable")          // 429, 5xx and the network: try again later
	ErrUnsupported  = errors.New("not supported by the registry") // or not allowed there: to delete, to move a tag
	ErrInvalid      = errors.New("invalid name or descriptor")    // of the caller, in our eyes or the registry's
	ErrMalformed    = errors.New("malformed answer")              // of the registry
	ErrDigest       = errors.New("content does not match its descriptor")
	ErrLimit        = errors.New("over a limit")
)

// ErrContended says that other writers kept replacing the index of referrers. Only that step is left to do: Repair.
var ErrContended = errors.New("index of referrers stays contended")

// errBlobUnknown says that a manifest names a blob that the registry does not know.
var errBlobUnknown = errors.New("blob unknown")

var errLocked = errors.New("locked")
