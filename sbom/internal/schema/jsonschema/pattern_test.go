package jsonschema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
)

// TestPlainPatterns holds what stands in for regular expressions against them.
func TestPlainPatterns(t *testing.T) {
	seeds := []string{"", "_:", "_:b", "_:\n", "a:b", ":b", "a:", "a\n:b", "a:\nb", "urn:x", "2024-05-31T17:00:00Z",
		"2024-05-31T17:00:00.5Z", "d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709", "\n", "x\ny", "é:é"}
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("_:a\n0-TZ:fFgé")
	for range 5000 {
		s := []rune(seeds[r.IntN(len(seeds))])
		for range r.IntN(4) {
			c := alphabet[r.IntN(len(alphabet))]
			if i := r.IntN(len(s) + 1); i == len(s) {
				s = append(s, c)
			} else {
				s[i] = c
			}
		}
		seeds = append(seeds, string(s))
	}
	for text, match := range plainPatterns {
		p, err := compileRegexp(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range seeds {
			if match(s) != p.match(s) {
				t.Errorf("%s: %q: %v, the regular expression says %v", text, s, match(s), p.match(s))
			}
		}
	}
}

// TestRepeated finds what repeats in arrays of any length, where the texts right in an element tell it apart and where not.
func TestRepeated(t *testing.T) {
	s := compile(t, `{"uniqueItems": true}`, Options{})
	for n := 2; n < 40; n++ {
		for _, element := range []string{`{"a":"x%d"}`, `{"a":{"b":"%d"}}`, `[[%d]]`, `%d`, `"%d"`} {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf(element, i))
			}
			list = append(list, fmt.Sprintf(element, n/2), fmt.Sprintf(element, n))
			d, err := Parse([]byte("["+strings.Join(list, ",")+"]"), strictjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			problems, err := s.Validate(d, 10)
			if err != nil || len(problems) != 1 ||
				problems[0].Advice != fmt.Sprintf("Remove element %d, which repeats an earlier one.", n) {
				t.Errorf("%d of %s: %v, %v", n, element, problems, err)
			}
		}
	}
}
