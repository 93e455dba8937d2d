package spec

import (
	"crypto/sha1" // of external documents, which SPDX 2 asks for
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/sbom/internal/schema/iri"
)

// IsNamespace reports whether ids can begin with a text: an absolute URI without a fragment, but for an empty one.
func IsNamespace(s string) bool {
	s = strings.TrimSuffix(s, "#")
	return s != "" && iri.IsReference(s) && iri.IsAbsolute(s) && !strings.Contains(s, "#") && !strings.HasPrefix(s, "_:")
}

// UUID returns the version 5 UUID (RFC 9562, section 5.5) of a name in the URL name space.
func UUID(name string) string {
	url := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	sum := sha1.Sum(append(url, name...))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// RefOf returns an SPDXRef for an id of another specification (clause 3.2: letters, digits, "." and "-").
func RefOf(id string) string {
	if IsRef(id, "SPDXRef-") {
		return id
	}
	var b strings.Builder
	b.Grow(len("SPDXRef-") + len(id))
	b.WriteString("SPDXRef-")
	for _, c := range strings.TrimPrefix(id, "SPDXRef-") {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			b.WriteRune(c)
		} else {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// Names gives every element of an output a name of its own. The number is how often a name was wanted.
type Names map[string]int

func (n Names) Unique(want string) string {
	got := want
	for n[got] > 0 {
		n[want]++
		got = fmt.Sprintf("%s-%d", want, n[want])
	}
	n[got]++
	return got
}

// DocumentID is the SPDXID of a document of SPDX 2 (clause 6.3).
const DocumentID = "SPDXRef-DOCUMENT"

func Set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// TimeLayout is how SPDX writes a time (2.3, clause 6.9; 3.0.1, Core, DateTime).
const TimeLayout = "2006-01-02T15:04:05Z"

// IsTime reports whether a text is a time of RFC 3339, which has more forms than SPDX takes.
func IsTime(s string) bool {
	_, ok := UTC(s)
	return ok
}

// UTC writes a time of RFC 3339 in UTC, to the second. Of one that has no year of four digits there, such as the last hours of
// the year 9999 west of Greenwich, nothing.
func UTC(s string) (string, bool) {
	if isUTC(s) {
		return s, true
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || CheckCreated(t) != nil {
		return "", false
	}
	return t.UTC().Format(TimeLayout), true
}

// isUTC knows most times that need no other form, which documents have many of: not those of the last days of a month.
func isUTC(s string) bool {
	if len(s) != len(TimeLayout) {
		return false
	}
	for i := range len(s) {
		isDigit := s[i] >= '0' && s[i] <= '9'
		if want := TimeLayout[i]; isDigit != (want >= '0' && want <= '9') || !isDigit && s[i] != want {
			return false
		}
	}
	return s[5:7] >= "01" && s[5:7] <= "12" && s[8:10] >= "01" && s[8:10] <= "28" && s[11:13] < "24" && s[14:16] < "60" && s[17:19] < "60"
}

// CheckCreated returns an error for a time that no document can be made at.
func CheckCreated(t time.Time) error {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return fmt.Errorf("a time of creation in the year %d is none: documents have years of four digits", year)
	}
	return nil
}

func IsRef(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	for i := range len(rest) {
		if c := rest[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return ok && rest != ""
}
