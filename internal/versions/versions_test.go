package versions

import (
	"bufio"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// A pair is a row of testdata/pairs.tsv.
type pair struct{ ecosystem, a, op, b, tool, note string }

func pairs(t testing.TB) (out []pair) {
	t.Helper()
	f, err := os.Open("testdata/pairs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		if len(c) != 6 {
			t.Fatalf("%q", lines.Text())
		}
		out = append(out, pair{c[0], c[1], c[2], c[3], c[4], c[5]})
	}
	return out
}

func TestPairs(t *testing.T) {
	wrong := map[string]int{}
	for _, p := range pairs(t) {
		want := map[string]Order{"<": Before, "=": Same, ">": After, "invalid": CannotTell}[p.op]
		got, back := Compare(p.ecosystem, p.a, p.b), Compare(p.ecosystem, p.b, p.a)
		if got != want || back != want.reversed() {
			wrong[p.ecosystem]++
			t.Errorf("%s: %q is %v %q, and should be %v (%s) %s; the other way it is %v",
				p.ecosystem, p.a, got, p.b, want, p.tool, p.note, back)
		}
	}
	if len(wrong) > 0 {
		t.Log(wrong)
	}
}

// A rangeCase is a line of testdata/ranges.jsonl.
type rangeCase struct {
	Kind, Ecosystem, Version, Vers, Why string
	Ranges                              []struct {
		Type   string
		Events []map[string]string
	}
	Versions  []string
	Affected  any // a boolean, or "invalid"
	Ambiguous bool
}

func (c *rangeCase) ranges() (out []Range) {
	for _, r := range c.Ranges {
		one := Range{Type: r.Type}
		for _, e := range r.Events {
			one.Events = append(one.Events, Event{e["introduced"], e["fixed"], e["last_affected"], e["limit"]})
		}
		out = append(out, one)
	}
	return out
}

func rangeCases(t testing.TB) (out []rangeCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/ranges.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var c rangeCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func TestRanges(t *testing.T) {
	for _, c := range rangeCases(t) {
		var got Membership
		if c.Kind == "vers" {
			r, err := ParseVERS(c.Vers)
			if (c.Affected == "invalid") != errors.Is(err, ErrVERS) {
				t.Errorf("%s: %v, %s", c.Vers, err, c.Why)
			}
			if err != nil {
				continue
			}
			got = r.Contains(c.Version)
		} else {
			got = Affected(c.Ecosystem, c.Version, c.Versions, c.ranges())
		}
		want := map[any]Membership{true: In, false: Out, "invalid": Unknown}[c.Affected]
		if got != want && !(c.Ambiguous && got != Unknown) {
			t.Errorf("%s %s %v: %q is %v, should be %v: %s", c.Ecosystem, c.Vers, c.Ranges, c.Version, got, want, c.Why)
		}
	}
}

// circular are the ecosystems whose tools are in no order: Maven's has circles, and pacman's "same" is not transitive.
var circular = map[string]bool{"Maven": true, "Arch": true}

func names() []string {
	return slices.Sorted(maps.Keys(ecosystems))
}

// All versions of the corpus against each other: antisymmetric, and where the tool is, transitive.
func TestOrderIsOne(t *testing.T) {
	versions := map[string][]string{}
	for _, p := range pairs(t) {
		versions[p.ecosystem] = append(versions[p.ecosystem], p.a, p.b)
	}
	for name, all := range versions {
		slices.Sort(all)
		all = slices.Compact(all)
		n := len(all)
		matrix := make([]Order, n*n)
		for i, a := range all {
			for j, b := range all {
				matrix[i*n+j] = Compare(name, a, b)
			}
		}
		broken := 0
		for i := range n {
			for j := range n {
				x := matrix[i*n+j]
				if x != matrix[j*n+i].reversed() {
					t.Fatalf("%s: %q is %v %q, and the other way %v", name, all[i], x, all[j], matrix[j*n+i])
				}
				if x != Before && x != Same {
					continue
				}
				for k := range n {
					y, z := matrix[j*n+k], matrix[i*n+k]
					if y != Before && y != Same || z == min(x, y) || z == CannotTell {
						continue
					}
					if broken++; broken < 5 && !circular[name] {
						t.Errorf("%s: %q %v %q %v %q, and yet %v", name, all[i], x, all[j], y, all[k], z)
					}
				}
			}
		}
		if circular[name] && broken == 0 {
			t.Errorf("%s has become an order", name)
		}
	}
}

// What Maven 3.9 says of Red Hat's rebuilds goes round in a circle, so nothing can be told of them by a range.
func TestCircle(t *testing.T) {
	circle := []string{"2.17.1.redhat-00001", "2.17.1-alpha1", "2.17.1-SNAPSHOT", "2.17.1", "2.17.1.redhat-00001"}
	for i := range len(circle) - 1 {
		if o := Compare("Maven", circle[i], circle[i+1]); o != Before {
			t.Errorf("%s is %v %s", circle[i], o, circle[i+1])
		}
	}
	for name, tt := range map[string]struct {
		events []Event
		want   Membership
	}{
		"between the ends of the circle": {[]Event{{Introduced: "2.17.1-alpha1"}, {Fixed: "2.17.1"}}, Unknown},
		"events in a circle":             {[]Event{{Introduced: circle[0]}, {Fixed: circle[1]}, {Introduced: circle[3]}}, Unknown},
		"all agrees":                     {[]Event{{Introduced: "0"}, {Fixed: "2.16"}}, Out},
		"no version":                     {[]Event{{Introduced: "2.0"}, {Fixed: strings.Repeat("1", 2000)}}, Unknown},
	} {
		if got := Affected("Maven", circle[0], nil, []Range{{"ECOSYSTEM", tt.events}}); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAffected(t *testing.T) {
	range1 := Range{"SEMVER", []Event{{Introduced: "1.0.0"}, {Fixed: "2.0.0"}}}
	debian := Range{"ECOSYSTEM", []Event{{Introduced: "0"}, {Fixed: "1.0-1+deb12u1"}}}
	branches := Range{"ECOSYSTEM", []Event{{Introduced: "dev-old"}, {Fixed: "2.0"}}}
	for name, tt := range map[string]struct {
		ecosystem, version string
		versions           []string
		ranges             []Range
		want               Membership
	}{
		"in":                             {"npm", "1.5.0", nil, []Range{range1}, In},
		"out":                            {"npm", "2.0.0", nil, []Range{range1}, Out},
		"no version":                     {"npm", "latest", nil, []Range{range1}, Unknown},
		"listed":                         {"npm", "latest", []string{"latest"}, []Range{range1}, In},
		"commits":                        {"npm", "1.5.0", nil, []Range{{"GIT", []Event{{Introduced: "0"}}}}, Unknown},
		"commits and versions":           {"npm", "1.5.0", nil, []Range{{"GIT", nil}, range1}, In},
		"an ecosystem that is not known": {"Nowhere", "1.5.0", nil, []Range{{"ECOSYSTEM", range1.Events}}, Unknown},
		"the same, by semver":            {"Nowhere", "1.5.0", nil, []Range{range1}, In},
		"nothing":                        {"npm", "1.5.0", nil, nil, Out},
		"a release of Debian":            {"Debian:12", "1.0-1", nil, []Range{debian}, In},
		"an event that is no version":    {"npm", "1.5.0", nil, []Range{{"SEMVER", []Event{{Introduced: "0"}, {Fixed: "next"}}}}, Unknown},
		"a limit that is no version":     {"npm", "1.5.0", nil, []Range{{"SEMVER", []Event{{Introduced: "0"}, {Limit: "next"}}}}, Unknown},
		"branches of Composer":           {"Packagist", "dev-main", nil, []Range{branches}, Unknown},
	} {
		if got := Affected(tt.ecosystem, tt.version, tt.versions, tt.ranges); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestVERS(t *testing.T) {
	for text, versions := range map[string]map[string]Membership{
		"vers:npm/*":                          {"1.0.0": In, "x": Unknown},
		"vers:npm/ >=1.0.0 | <2.0.0 ":         {"1.0.0": In, "2.0.0": Out},
		"vers:npm/!=1.0.0":                    {"1.0.0": Out, "1.0.1": In},
		"vers:pypi/>=1!1.0|<1%211.5":          {"1!1.2": In, "1.2": Out},
		"vers:deb/<1.0%2Bb1":                  {"1.0": In, "1.0+b1": Out},
		"vers:npm/<1.0.0|>=2.0.0|!=2.5.0|<3":  nil,
		"vers:npm/<1.0.0|>=2.0.0|!=2.5.0":     {"0.1.0": In, "1.5.0": Out, "2.4.0": In, "2.5.0": Out, "2.6.0": In},
		"vers:npm/1.0.0|1.0.0+build":          nil, // the same twice
		"vers:all/*":                          {"anything": In},
		"vers:none/*":                         {"anything": Out},
		"vers:all/1.0":                        nil,
		"vers:intdot/>=3.0|<3.0.2":            {"3.0.0": In, "3.0.1 SP2": In, "3.0.2": Out, "V3": Unknown},
		"vers:lexicographic/<b":               {"a": In, "b": Out},
		"vers:datetime/<2026-01-01T00:00:00Z": {"2026-01-01T00:00:00+01:00": In, "2026-01-01T00:00:00Z": Out, "2026": Unknown},
		"vers:npm/":                           nil,
		"vers:npm/>":                          nil,
		"vers:npm/>=1.0.0|>=2.0.0":            nil,
		"vers:npm/%zz":                        nil,
		"vers:nowhere/1.0":                    nil,
		"VERS:npm/1.0.0":                      nil,
		"npm/1.0.0":                           nil,
		"":                                    nil,
		"vers:composer/>=dev-a|<=dev-b":       nil, // in no order
	} {
		r, err := ParseVERS(text)
		if (versions == nil) != errors.Is(err, ErrVERS) {
			t.Errorf("%s: %v", text, err)
		}
		for version, want := range versions {
			if got := r.Contains(version); got != want {
				t.Errorf("%s has %s: %v", text, version, got)
			}
		}
	}
}

// ordinary are versions as most are, which differ late.
var ordinary = map[string][2]string{
	"npm":       {"17.0.2", "17.0.10"},
	"crates.io": {"0.4.21-alpha.1", "0.4.21"},
	"Hex":       {"1.7.10", "1.7.11"},
	"Go":        {"v1.2.3", "v1.2.4-0.20240101120000-abcdefabcdef"},
	"Pub":       {"1.0.0+1", "1.0.0+2"},
	"NuGet":     {"13.0.1", "13.0.3"},
	"Bitnami":   {"2024.10.2-3", "2024.10.2-4"},
	"Debian":    {"1:2.36-9+deb12u4", "1:2.36-9+deb12u7"},
	"RPM":       {"0:5.14.0-362.8.1.el9_3", "0:5.14.0-362.13.1.el9_3"},
	"Alpine":    {"3.1.4-r2", "3.1.4-r5"},
	"Arch":      {"1:2.41-1", "1:2.41-2"},
	"Linux":     {"6.1.0-18-amd64", "6.1.0-21-amd64"},
	"PyPI":      {"2.31.0.post1", "2.32.0rc1"},
	"RubyGems":  {"7.0.8.1", "7.0.8.4"},
	"Maven":     {"4.1.94.Final", "4.1.100.Final"},
	"Packagist": {"v6.4.0-RC1", "v6.4.2"},
	"Conda":     {"1.26.4", "1.26.4.post1"},
	"CPAN":      {"1.302183", "1.302190"},
	"CRAN":      {"1.0.11", "1.0.12"},
	"Hackage":   {"2.2.3.0", "2.2.4.0"},
}

func TestAllocations(t *testing.T) {
	for name, v := range ordinary {
		if o := Compare(name, v[0], v[1]); o != Before {
			t.Errorf("%s: %s is %v %s", name, v[0], o, v[1])
		}
		if n := testing.AllocsPerRun(100, func() { Compare(name, v[0], v[1]) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	for _, name := range names() {
		if Follows(name) == "" || !Known(name+":1") || Compare(name, "1", strings.Repeat("1", 2000)) != CannotTell {
			t.Errorf("%s", name)
		}
	}
}

// The floor is to find the ecosystem and to look at each byte once.
func BenchmarkCompare(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(ordinary)) {
		v := ordinary[name]
		b.Run(name+"/floor", func(b *testing.B) {
			n := 0
			for b.Loop() {
				if lookup(name) == nil {
					b.Fatal(name)
				}
				n += span(v[0], isNotBlank) + span(v[1], isNotBlank)
			}
		})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(name, v[0], v[1])
			}
		})
	}
	b.Run("Maven/qualifiers", func(b *testing.B) { // where the numbers are the same
		b.ReportAllocs()
		for b.Loop() {
			Compare("Maven", "2.17.1-rc1", "2.17.1.Final")
		}
	})
}

// Three versions in any ecosystem: nothing panics, the other way round is the reverse, and orders are orders.
func FuzzCompare(f *testing.F) {
	all := names()
	for _, p := range pairs(f)[:400] {
		f.Add(uint8(slices.Index(all, p.ecosystem)), p.a, p.b, p.a+".1")
	}
	f.Fuzz(func(t *testing.T, n uint8, a, b, c string) {
		name := all[int(n)%len(all)]
		x := Compare(name, a, b)
		if y := Compare(name, b, a); x != y.reversed() {
			t.Fatalf("%s: %q is %v %q, and the other way %v", name, a, x, b, y)
		}
		if Valid(name, a) && Valid(name, b) && x == CannotTell && name != "Packagist" {
			t.Fatalf("%s: %q and %q are versions in no order", name, a, b)
		}
		if !Valid(name, a) && x != CannotTell {
			t.Fatalf("%s: %q is no version, and yet %v %q", name, a, x, b)
		}
		if circular[name] {
			return
		}
		y, z := Compare(name, b, c), Compare(name, a, c)
		if (x == Before || x == Same) && (y == Before || y == Same) && z != CannotTell && z != min(x, y) {
			t.Fatalf("%s: %q %v %q %v %q, and yet %v", name, a, x, b, y, c, z)
		}
	})
}

func FuzzRanges(f *testing.F) {
	for _, c := range rangeCases(f) {
		if c.Kind == "vers" {
			f.Add(c.Vers, c.Version)
		}
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		r, err := ParseVERS(text)
		if err != nil {
			if !errors.Is(err, ErrVERS) {
				t.Fatal(err)
			}
			return
		}
		_, list, _ := strings.Cut(text, "/")
		m := r.Contains(version)
		if (m == Unknown) == Valid(r.Ecosystem, version) && r.Ecosystem != "Packagist" && !circular[r.Ecosystem] {
			t.Errorf("%q in %q: %v", version, text, m)
		}
		// A range of one pair is OSV's of introduced and fixed.
		low, high, ok := strings.Cut(list, "|<")
		low, ok2 := strings.CutPrefix(low, ">=")
		if ok && ok2 && !strings.ContainsAny(low+high, "|<>=!% \t") && Compare(r.Ecosystem, low, high) == Before {
			osv := Affected(r.Ecosystem, version, nil, []Range{{"ECOSYSTEM", []Event{{Introduced: low}, {Fixed: high}}}})
			if osv != m && low != "0" && !circular[r.Ecosystem] {
				t.Errorf("%q in %q: %v, and as OSV %v", version, text, m, osv)
			}
		}
	})
}

// What is compared from the last common number on is compared as the whole.
func TestMavenLeading(t *testing.T) {
	parts := []string{"0", "1", "00", "10", ".", ".", "-", "-", "a", "sp", "final", "x", "rc"}
	rng := rand.New(rand.NewPCG(1, 2))
	version := func(s string) string {
		for range rng.IntN(6) {
			s += parts[rng.IntN(len(parts))]
		}
		return s
	}
	differ := 0
	for range 200_000 {
		common := version("")
		a, b := version(common), version(common)
		whole := order(compareMaven(mavenVersion{items: parseMaven(a, nil)}, mavenVersion{items: parseMaven(b, nil)}))
		if got := maven(a, b); got != whole {
			t.Fatalf("%q and %q: %v, as a whole %v", a, b, got, whole)
		}
		if whole != Same {
			differ++
		}
	}
	if differ < 100_000 {
		t.Errorf("%d pairs differ", differ)
	}
}
