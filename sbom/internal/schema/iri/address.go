package iri

import (
	"net/url"
	"regexp"
	"sync"
)

// shortSSH is how git writes a repository reached by SSH, with a name and a path.
var shortSSH = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([\w.+-]+@[\w.-]+):([\w.~-][^:]*)$`) })

// Address returns what a text means as a URL with a host: npm has git@host:path, and others have blanks and the like, which are
// percent-encoded. Of a text that means none it returns false.
func Address(s string) (string, bool) {
	if m := shortSSH().FindStringSubmatch(s); m != nil {
		s = "ssh://" + m[1] + "/" + m[2]
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "", false
	}
	if !IsReference(s) {
		s = u.String()
	}
	return s, IsReference(s)
}
