package versions

import "strings"

// A semver is a version in the manner of semver.org, taken apart.
type semver struct {
	numbers [5]string
	n       int
	pre     string // behind the first dash
	build   string // behind the plus
}

// How ecosystems differ from Semantic Versioning 2.0.0.
type dialect struct {
	least, most int    // numbers
	zeros       bool   // numbers may begin with zeros
	preZeros    bool   // numeric identifiers of pre-releases may begin with zeros
	largest     string // number; "" is none
}

var (
	strict      = dialect{least: 3, most: 3}
	dialectNPM  = dialect{least: 3, most: 3, largest: "9007199254740991"}     // Number.MAX_SAFE_INTEGER
	dialectRust = dialect{least: 3, most: 3, largest: "18446744073709551615"} // u64
	dialectGo   = dialect{least: 1, most: 3}
	dialectPub  = dialect{least: 3, most: 3, zeros: true, preZeros: true}
	dialectNu   = dialect{least: 1, most: 4, zeros: true, preZeros: true}
)

func (d *dialect) parse(s string) (v semver, ok bool) {
	var hasBuild, hasPre bool
	s, v.build, hasBuild = cut(s, '+')
	s, v.pre, hasPre = cut(s, '-')
	if hasBuild && !identifiers(v.build, true) || hasPre && !identifiers(v.pre, d.preZeros) {
		return v, false
	}
	for more := true; more; v.n++ {
		var number string
		number, s, more = cut(s, '.')
		if v.n == d.most || !allDigits(number) || !d.zeros && len(number) > 1 && number[0] == '0' ||
			d.largest != "" && compareNumbers(number, d.largest) > 0 {
			return v, false
		}
		v.numbers[v.n] = number
	}
	return v, v.n >= d.least
}

// identifiers checks a list of identifiers that dots separate.
func identifiers(s string, zeros bool) bool {
	for more := true; more; {
		var id string
		id, s, more = cut(s, '.')
		if id == "" || span(id, func(c byte) bool { return isAlnum(c) || c == '-' }) != len(id) ||
			!zeros && len(id) > 1 && id[0] == '0' && allDigits(id) {
			return false
		}
	}
	return true
}

func (v *semver) compareNumbers(w *semver) int {
	for i := range max(v.n, w.n) {
		if c := compareNumbers(v.numbers[i], w.numbers[i]); c != 0 {
			return c
		}
	}
	return 0
}

// comparePre compares pre-releases (Semantic Versioning 2.0.0, section 11). None is above any.
func comparePre(a, b string, compareText func(a, b string) int) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return compareIdentifiers(a, b, compareText)
}

func compareIdentifiers(a, b string, compareText func(a, b string) int) int {
	for moreA, moreB := true, true; moreA || moreB; {
		switch {
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		var x, y string
		x, a, moreA = cut(a, '.')
		y, b, moreB = cut(b, '.')
		c := 0
		switch nx, ny := allDigits(x), allDigits(y); {
		case nx && ny:
			c = compareNumbers(x, y)
		case nx:
			c = -1
		case ny:
			c = 1
		default:
			c = compareText(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func (d *dialect) compare(a, b string) Order {
	v, ok := d.parse(a)
	w, ok2 := d.parse(b)
	if !ok || !ok2 {
		return CannotTell
	}
	return v.compare(&w)
}

func (v *semver) compare(w *semver) Order {
	if c := v.compareNumbers(w); c != 0 {
		return order(c)
	}
	return order(comparePre(v.pre, w.pre, strings.Compare))
}

// npm takes blanks around a version, and a "v" or "=" before it.
func npm(a, b string) Order {
	if len(a) > 256 || len(b) > 256 { // MAX_LENGTH of the library
		return CannotTell
	}
	return dialectNPM.compare(trimNPM(a), trimNPM(b))
}

func trimNPM(s string) string { return strings.TrimPrefix(trim(s), "v") }

func crates(a, b string) Order { return dialectRust.compare(a, b) }

func hex(a, b string) Order { return strict.compare(a, b) }

// golang takes versions with the "v" that modules have, and as OSV writes them, without. A version with less than three numbers
// has no pre-release and no build metadata.
func golang(a, b string) Order {
	a, b = strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v")
	v, ok := dialectGo.parse(a)
	w, ok2 := dialectGo.parse(b)
	if !ok || !ok2 || v.n < 3 && v.pre+v.build != "" || w.n < 3 && w.pre+w.build != "" {
		return CannotTell
	}
	return v.compare(&w)
}

// pub orders build metadata too: a version without any is below one with (pub_semver, Version.compareTo).
func pub(a, b string) Order {
	v, ok := dialectPub.parse(a)
	w, ok2 := dialectPub.parse(b)
	if !ok || !ok2 {
		return CannotTell
	}
	c := v.compareNumbers(&w)
	if c == 0 {
		c = comparePre(v.pre, w.pre, strings.Compare)
	}
	switch {
	case c != 0 || v.build == w.build:
	case v.build == "":
		c = -1
	case w.build == "":
		c = 1
	default:
		c = compareIdentifiers(v.build, w.build, strings.Compare)
	}
	return order(c)
}

// nuget has one to four numbers, and pre-releases whatever their case (learn.microsoft.com/nuget, "Package versioning").
func nuget(a, b string) Order {
	v, ok := dialectNu.parse(trim(a))
	w, ok2 := dialectNu.parse(trim(b))
	if !ok || !ok2 {
		return CannotTell
	}
	if c := v.compareNumbers(&w); c != 0 {
		return order(c)
	}
	return order(comparePre(v.pre, w.pre, compareFold))
}

// bitnami writes its own revision where others have a pre-release: it is above the version without one.
func bitnami(a, b string) Order {
	v, ok := dialectBitnami.parse(a)
	w, ok2 := dialectBitnami.parse(b)
	if !ok || !ok2 {
		return CannotTell
	}
	if c := v.compareNumbers(&w); c != 0 {
		return order(c)
	}
	switch {
	case v.pre == w.pre:
		return Same
	case v.pre == "":
		return Before
	case w.pre == "":
		return After
	}
	return order(compareIdentifiers(v.pre, w.pre, strings.Compare))
}

var dialectBitnami = dialect{least: 1, most: 3}
