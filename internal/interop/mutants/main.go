// Command mutants changes what was signed, as bytes, as JSON and as base64, and has each mutant read by Lading and by the
// library of the format: bundles by sigstore-go, Notary Project signatures by notation-go. What Lading accepts the library
// must accept, and Lading must find in it what it found before. It fails if that is not so.
//
//	go run ./mutants -n 100000
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/ladingdev/lading/verify"
)

func main() {
	count := flag.Int("n", 10_000, "mutants in all")
	seed := flag.Uint64("seed", 1, "of the mutants: the same seed makes the same changes, of signatures that are made anew")
	flag.Parse()
	laxer, err := run(context.Background(), os.Stdout, *count, *seed)
	if err == nil && laxer > 0 {
		err = fmt.Errorf("%d mutants are accepted by Lading alone, or mean something else", laxer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// A sample is signed evidence, and who reads it.
type sample struct {
	name   string
	data   []byte
	others [][]byte // evidence of the same format, to take parts from
	ours   func(ctx context.Context, data []byte) (*verify.Attestation, error)
	theirs func(ctx context.Context, data []byte) error
}

// A tally is what came of the mutants of one sample.
type tally struct{ mutants, both, stricter, laxer int }

func run(ctx context.Context, w io.Writer, count int, seed uint64) (laxer int, err error) {
	samples, err := bundles(ctx)
	if err != nil {
		return 0, err
	}
	signatures, err := notations(ctx)
	if err != nil {
		return 0, err
	}
	samples = append(samples, signatures...)
	fmt.Fprintf(w, "%-22s %9s %9s %9s %9s\n", "", "mutants", "both", "stricter", "laxer")
	var all tally
	for i, s := range samples {
		n := count / len(samples)
		if i < count%len(samples) {
			n++
		}
		t, err := s.try(ctx, w, n, rand.New(rand.NewPCG(seed, uint64(i))))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(w, "%-22s %9d %9d %9d %9d\n", s.name, t.mutants, t.both, t.stricter, t.laxer)
		all = tally{all.mutants + t.mutants, all.both + t.both, all.stricter + t.stricter, all.laxer + t.laxer}
	}
	fmt.Fprintf(w, "%-22s %9d %9d %9d %9d\n", "all", all.mutants, all.both, all.stricter, all.laxer)
	return all.laxer, nil
}

// try reads n mutants of a sample.
func (s *sample) try(ctx context.Context, w io.Writer, n int, r *rand.Rand) (t tally, err error) {
	proven, err := s.ours(ctx, s.data)
	if err != nil {
		return t, fmt.Errorf("the sample is refused here: %w", err)
	}
	if err := s.theirs(ctx, s.data); err != nil {
		return t, fmt.Errorf("the sample is refused there: %w", err)
	}
	for t.mutants < n {
		data := s.mutant(r)
		if bytes.Equal(data, s.data) {
			continue
		}
		t.mutants++
		ours, ourErr := s.ours(ctx, data)
		theirErr := s.theirs(ctx, data)
		switch {
		case ourErr != nil && theirErr == nil:
			t.stricter++
		case ourErr == nil && (theirErr != nil || !same(proven, ours)):
			t.laxer++
			fmt.Fprintf(w, "%s: accepted here, there %v\n%q\n", s.name, theirErr, data)
		case ourErr == nil:
			t.both++
		}
	}
	return t, nil
}

// same reports whether two attestations prove the same.
func same(a, b *verify.Attestation) bool {
	return a.Kind == b.Kind && a.Subject.Digest == b.Subject.Digest && a.Name == b.Name && a.PredicateType == b.PredicateType &&
		bytes.Equal(a.Predicate, b.Predicate) && slices.EqualFunc(a.Signers, b.Signers, func(s, t verify.Signer) bool {
		return s.Identity == t.Identity && s.Key == t.Key
	})
}

// mutant changes the sample once, and now and then twice.
func (s *sample) mutant(r *rand.Rand) []byte {
	data := bytes.Clone(s.data)
	for range 1 + r.IntN(4)/3 {
		if s.data[0] != '{' || r.IntN(2) == 0 {
			data = s.changeBytes(r, data)
		} else {
			data = changeJSON(r, data)
		}
	}
	return data
}

func (s *sample) changeBytes(r *rand.Rand, data []byte) []byte {
	if len(data) == 0 {
		return []byte{byte(r.Uint32())}
	}
	i := r.IntN(len(data))
	switch r.IntN(9) {
	case 0, 1:
		data[i] ^= 1 << r.IntN(8)
	case 2:
		data[i] = byte(r.Uint32())
	case 3:
		return slices.Delete(data, i, i+1)
	case 4:
		return slices.Insert(data, i, data[i])
	case 5:
		return data[:i]
	case 6:
		return append(data, s.data[:r.IntN(64)]...)
	case 7: // a part that is repeated elsewhere
		part := bytes.Clone(data[i:min(len(data), i+1+r.IntN(200))])
		return slices.Insert(data, r.IntN(len(data)+1), part...)
	default: // a part of another signature
		other := s.others[r.IntN(len(s.others))]
		size := min(1+r.IntN(400), len(data)-i, max(1, len(other)-i))
		if i+size <= len(other) {
			copy(data[i:i+size], other[i:i+size])
		}
	}
	return data
}

// values take the place of others, or stand beside them.
var values = []string{`null`, `""`, `"x"`, `[]`, `{}`, `0`, `-1`, `1e3`, `true`, `[null]`, `[{}]`, `{"a":1,"a":2}`, `"\ud800"`, `"\u0000"`,
	`{"sig":""}`}

// changeJSON changes a member: its name, its value, or how often it is there. Strings of base64 are changed inside.
func changeJSON(r *rand.Rand, data []byte) []byte {
	type member struct{ at, end, value, close int } // of the name with its quotes, and of a value that is a string
	var members []member
	for i := 0; i < len(data); i++ {
		if data[i] != '"' {
			continue
		}
		end := i + 1
		for end < len(data) && data[end] != '"' {
			if data[end] == '\\' {
				end++
			}
			end++
		}
		if end+1 < len(data) && data[end+1] == ':' {
			m := member{at: i, end: end + 1, value: end + 2}
			if m.value < len(data) && data[m.value] == '"' {
				if n := bytes.IndexByte(data[m.value+1:], '"'); n >= 0 {
					m.close = m.value + n + 2
				}
			}
			members = append(members, m)
		}
		i = end
	}
	if len(members) == 0 {
		return append(data, ' ')
	}
	m := members[r.IntN(len(members))]
	name := string(data[m.at:m.end])
	replace := func(from, to int, with string) []byte {
		return slices.Replace(data, from, min(to, len(data)), []byte(with)...)
	}
	value := values[r.IntN(len(values))]
	switch r.IntN(8) {
	case 0:
		return replace(m.at, m.at, name+":"+value+",")
	case 1:
		spelled := []string{strings.ToUpper(name), strings.ToLower(name), strings.Replace(name, "s", "\u017f", 1),
			strings.Replace(name, "k", "\u212a", 1),
			`"\u00` + fmt.Sprintf("%02x", name[1]) + name[2:], strings.Replace(name, `"`, `" `, 1)}
		return replace(m.at, m.end, spelled[r.IntN(len(spelled))])
	case 2:
		spelled := strings.ToUpper(name[:2]) + name[2:]
		return replace(m.at, m.at, spelled+":"+value+",")
	case 3:
		return replace(m.at, m.at, fmt.Sprintf(`"more %d":%s,`, r.IntN(10), value))
	case 4:
		return replace(m.at, m.at, []string{" ", "\n\t", "\ufeff", "\u00a0", "/**/", ","}[r.IntN(6)])
	}
	if m.close == 0 {
		return replace(m.value, m.value, []string{" ", "null,", "-", "0"}[r.IntN(4)])
	}
	if r.IntN(3) == 0 {
		return replace(m.value, m.close, value)
	}
	return replace(m.value+1, m.close-1, changeText(r, string(data[m.value+1:m.close-1])))
}

// changeText writes a text in another way, most of which mean the same as base64.
func changeText(r *rand.Rand, text string) string {
	if text == "" {
		return " "
	}
	i := r.IntN(len(text))
	switch r.IntN(8) {
	case 0:
		return strings.NewReplacer("+", "-", "/", "_").Replace(text)
	case 1:
		return strings.TrimRight(text, "=")
	case 2:
		return text + "="
	case 3:
		return text[:i] + `\n` + text[i:]
	case 4:
		return text[:i] + fmt.Sprintf(`\u00%02x`, text[i]) + text[i+1:]
	case 5:
		return text[:i] + " " + text[i:]
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		inner, err := e.DecodeString(text)
		if err != nil || len(inner) == 0 {
			continue
		}
		if inner[0] == '{' && r.IntN(2) == 0 {
			return e.EncodeToString(changeJSON(r, inner))
		}
		inner[r.IntN(len(inner))] ^= 1 << r.IntN(8)
		return e.EncodeToString(inner)
	}
	return text[:i]
}
