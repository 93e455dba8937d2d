package registry

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// challenges hands the client library one challenge that it can answer, in the form that it reads: registries behind a
// proxy ask for several ways to log in at once, and names of parameters may be written in any case (RFC 9110, sections
// 11.2 and 11.6.1). It also tells the answers of token services from those of the registry.
type challenges struct {
	next http.RoundTripper

	mu     sync.Mutex
	realms map[string]bool // addresses of token services
}

// A tokenError is the answer of a token service that gave no token.
type tokenError struct {
	service string
	status  int
}

func (e *tokenError) Error() string {
	return fmt.Sprintf("token service %s answers %d", e.service, e.status)
}

// A challengeError is a challenge that cannot be followed.
type challengeError struct{ reason string }

func (e *challengeError) Error() string { return "challenge to log in: " + e.reason }

func (c *challenges) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if service, ok := c.tokenService(req); ok {
		if resp.StatusCode >= 400 && resp.StatusCode < 500 && !passing(resp.StatusCode) {
			resp.Body.Close()
			return nil, &tokenError{service, resp.StatusCode}
		}
		return resp, nil
	}
	if resp.StatusCode != http.StatusUnauthorized {
		return resp, nil
	}
	chosen, realm, err := chooseChallenge(resp.Header.Values("WWW-Authenticate"))
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if chosen != "" {
		resp.Header.Set("WWW-Authenticate", chosen)
	}
	if realm != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.realms == nil || len(c.realms) >= maxRemembered {
			c.realms = make(map[string]bool)
		}
		c.realms[address(realm)] = true
	}
	return resp, nil
}

// tokenService reports whether a request went to a token service, perhaps on from there by redirect.
func (c *challenges) tokenService(req *http.Request) (string, bool) {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	at := address(req.URL)
	c.mu.Lock()
	defer c.mu.Unlock()
	return at, c.realms[at]
}

func address(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) + u.Path }

// chooseChallenge returns the challenge to answer, a bearer token's before a password's, empty if there is neither, and
// where tokens are to be had.
func chooseChallenge(headers []string) (chosen string, realm *url.URL, err error) {
	for _, c := range parseChallenges(headers) {
		switch {
		case strings.EqualFold(c.scheme, "basic") && chosen == "":
			chosen = "Basic"
		case strings.EqualFold(c.scheme, "bearer"):
			realm, err := url.Parse(c.params["realm"])
			if err != nil || realm.Host == "" || realm.Scheme != "http" && realm.Scheme != "https" {
				return "", nil, &challengeError{fmt.Sprintf("Bearer with the realm %.200q, which is no address", c.params["realm"])}
			}
			return c.bearer(), realm, nil
		}
	}
	return chosen, nil, nil
}

var escapeQuoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

type challenge struct {
	scheme string
	params map[string]string // names in lower case
}

// bearer writes a Bearer challenge with the parameters that a client needs.
func (c challenge) bearer() string {
	var list []string
	for _, name := range []string{"realm", "service", "scope"} {
		if value, ok := c.params[name]; ok {
			list = append(list, name+`="`+escapeQuoted.Replace(value)+`"`)
		}
	}
	return "Bearer " + strings.Join(list, ",")
}

// parseChallenges reads WWW-Authenticate headers (RFC 9110, section 11.6.1). What does not fit is left out.
func parseChallenges(headers []string) (list []challenge) {
	for _, header := range headers {
		for _, element := range splitOutside(header, ',') {
			element = strings.TrimSpace(element)
			end := strings.IndexAny(element, " \t=")
			if element == "" || end == 0 {
				continue
			}
			if end < 0 || !strings.HasPrefix(strings.TrimSpace(element[end:]), "=") {
				// A scheme, perhaps with its first parameter. A lone "Negotiate" has none.
				if end < 0 {
					end = len(element)
				}
				list = append(list, challenge{scheme: element[:end], params: make(map[string]string)})
				element = strings.TrimSpace(element[end:])
			}
			name, value, found := strings.Cut(element, "=")
			name = strings.ToLower(strings.TrimSpace(name))
			if !found || len(list) == 0 || name == "" || strings.ContainsAny(name, " \t") {
				continue
			}
			params := list[len(list)-1].params
			if _, twice := params[name]; !twice {
				params[name] = unquote(strings.TrimSpace(value))
			}
		}
	}
	return list
}

// unquote returns the value of a token or a quoted string (RFC 9110, section 5.6.4).
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var out strings.Builder
	for s = s[1 : len(s)-1]; s != ""; s = s[1:] {
		if s[0] == '\\' && len(s) > 1 {
			s = s[1:]
		}
		out.WriteByte(s[0])
	}
	return out.String()
}

// splitOutside splits a header's value where the separator is neither in quotes nor in angle brackets.
func splitOutside(s string, separator byte) (parts []string) {
	var end byte // of the quotes or brackets that this is in, or 0
	start := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case end == '"' && c == '\\':
			i++
		case end != 0:
			if c == end {
				end = 0
			}
		case c == '"':
			end = '"'
		case c == '<':
			end = '>'
		case c == separator:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}
