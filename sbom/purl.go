package sbom

import (
	"errors"
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/packageurl"
)

// ErrPURL means that a text is no package URL.
var ErrPURL = errors.New("not a package URL")

// A PURL is a package URL, taken apart and decoded (ECMA-427).
type PURL struct {
	Type       string            // lower case, such as "deb"
	Namespace  string            // segments with "/" between them, or empty
	Name       string            // not empty
	Version    string            // or empty
	Qualifiers map[string]string // keys in lower case, no value empty
	Subpath    string            // or empty
}

// ParsePURL takes a package URL apart as ECMA-427, section 5, says, and brings its parts to the form that the definition
// of its type asks for. It takes "pkg://", an "@" of an npm scope that is not encoded, keys of qualifiers in upper case,
// and other spellings that have one meaning; a name that is missing in front of "@" is not made of the namespace. The name
// of type git is all of the path behind the host. Errors wrap [ErrPURL].
func ParsePURL(s string) (PURL, error) {
	p, err := packageurl.Parse(s)
	if err != nil {
		return PURL{}, fmt.Errorf("sbom: %w: %.200q: %w", ErrPURL, s, err)
	}
	return PURL(p), nil
}

// String returns the canonical form of a package URL that [ParsePURL] returned: what two of them are compared by. Without
// a type or a name there is none: then it is empty.
func (p PURL) String() string { return packageurl.URL(p).String() }

// MatchKey returns a text that is the same for one package whoever wrote its package URL. It is for finding packages of
// one document in another and is no package URL itself.
//
//   - An epoch may be a qualifier or in front of the version, and 0 is none: deb, rpm.
//   - Go versions may have their "v" and "+incompatible" or not, the standard library's "go"; it is "stdlib" or "std"; a
//     module's path may go on as the subpath.
//   - An encoded "/" in a name of Go and npm is one that divides it.
//   - A SWID tag is known by its id.
//   - NuGet's names are told apart without regard to case.
//   - Distributions have one name each in the namespace, which may come from the qualifier distro. Their releases are left
//     out, because some say "debian-12.5", some "bookworm" and some nothing: the versions of packages tell them apart.
//   - Architectures have one name each, and those that mean any are left out.
//   - Of qualifiers, only those stay that tell packages of one name and version apart: architecture, Maven's classifier
//     and type, platform, Conan's user and channel, Julia's uuid. One that says what is so without it is left out.
func (p PURL) MatchKey() string { return packageurl.URL(p).MatchKey() }
