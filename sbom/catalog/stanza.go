package catalog

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strings"
)

const maxLine = 1 << 20 // bytes of a line in a package database

// stanzas reads what dpkg, apk and Python keep alike: fields with a colon behind the name, further lines of a value
// indented, an empty line behind each stanza. Of each it yields the fields that are asked for, by lower-case names unless
// exact (one that begins with a star is the end of names); values of a field that is there several times have a newline
// between them. An error ends it.
func stanzas(r io.Reader, exact bool, names ...string) iter.Seq2[map[string]string, error] {
	return func(yield func(map[string]string, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 4<<10), maxLine)
		fields, last, any := map[string]string{}, "", false
		for s.Scan() {
			line := bytes.TrimSuffix(s.Bytes(), []byte("\r"))
			switch {
			case len(bytes.TrimSpace(line)) == 0:
				if any && !yield(fields, nil) {
					return
				}
				if last = ""; len(fields) > 0 {
					fields = map[string]string{}
				}
				any = false
			case line[0] == ' ' || line[0] == '\t':
				if last != "" {
					fields[last] += "\n" + string(bytes.TrimSpace(line))
				}
			default:
				name, value, ok := bytes.Cut(line, []byte(":"))
				if last = ""; !ok {
					continue
				}
				any = true
				for _, n := range names {
					if string(name) == n || !exact && (len(name) == len(n) && strings.EqualFold(string(name), n) || ends(name, n)) {
						last = n
					}
				}
				if last == "" {
					continue
				}
				text := string(bytes.TrimSpace(value))
				if before, twice := fields[last]; twice {
					text = before + "\n" + text
				}
				fields[last] = text
			}
		}
		if any && !yield(fields, nil) {
			return
		}
		if err := s.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// ends says whether a name ends like one that begins with a star.
func ends(name []byte, star string) bool {
	end, ok := strings.CutPrefix(star, "*")
	return ok && len(name) >= len(end) && strings.EqualFold(string(name[len(name)-len(end):]), end)
}
