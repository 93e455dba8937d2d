package versions

import (
	"strings"
	"unicode"
)

// What a version of Maven is made of: lists of items, each list the last item of the one before it.
const (
	mavenNone = iota
	mavenNumber
	mavenText
	mavenList
)

type mavenItem struct {
	text  string
	level int16 // of its list
	kind  int8
	rank  int8 // of text
	gone  bool // it does not count
}

// mavenItemOf is a number or text. Behind short text there is a number, so that "a", "b" and "m" are alpha, beta and milestone.
func mavenItemOf(level int16, kind int8, text string, short bool) mavenItem {
	item := mavenItem{kind: kind, text: text, level: level}
	if kind == mavenText {
		item.rank = rankQualifier(text, short)
	}
	return item
}

// parseMaven takes a version apart as ComparableVersion.parseVersion does, and appends its items, which are in lists in lists.
func parseMaven(s string, items []mavenItem) []mavenItem {
	kind, start, level := int8(mavenText), 0, int16(0)
	some := false // there are items in this list
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' || c == '-':
			if i == start {
				items = append(items, mavenItemOf(level, mavenNumber, "0", false))
			} else {
				items = append(items, mavenItemOf(level, kind, s[start:i], false))
			}
			start, some = i+1, true
			if c == '-' {
				level, some = level+1, false
			}
		case isDigit(c):
			if kind == mavenText && i > start {
				if some { // .x1 is -x1
					level++
				}
				items = append(items, mavenItemOf(level, mavenText, s[start:i], true))
				start, some = i, false
				level++
			}
			kind = mavenNumber
		default:
			if kind == mavenNumber && i > start {
				items = append(items, mavenItemOf(level, mavenNumber, s[start:i], false))
				start, some = i, false
				level++
			}
			kind = mavenText
		}
	}
	if start < len(s) {
		if kind == mavenText && some { // .x is -x
			level++
		}
		items = append(items, mavenItemOf(level, kind, s[start:], false))
	}
	normalizeMaven(items)
	return items
}

// normalizeMaven leaves out what is nothing, zeros and names of releases, at the end of each list and before the list in it.
func normalizeMaven(items []mavenItem) {
	level, open := int16(-1), false
	for i := len(items) - 1; i >= 0; i-- {
		item := &items[i]
		if item.level != level {
			level, open = item.level, true
		}
		if open = open && item.compareNothing() == 0; open {
			item.gone = true
		}
	}
}

func (item *mavenItem) compareNothing() int {
	if item.kind == mavenNumber {
		return compareNumbers(item.text, "")
	}
	return int(item.rank) - releaseRank
}

// A mavenVersion is a list, from one of its items on.
type mavenVersion struct {
	items []mavenItem
	at    int
	level int16
}

// next returns the kind of the next item, and goes to it. Behind it, advance.
func (v *mavenVersion) next() int8 {
	for v.at < len(v.items) && v.items[v.at].gone {
		v.at++
	}
	switch {
	case v.at == len(v.items):
		return mavenNone
	case v.items[v.at].level > v.level:
		return mavenList
	}
	return v.items[v.at].kind
}

// inner is the list that is the next item, and the last one.
func (v *mavenVersion) inner() mavenVersion { return mavenVersion{v.items, v.at, v.level + 1} }

func (v *mavenVersion) item() *mavenItem { return &v.items[v.at] }

// compareNothing compares what is left of a list with nothing.
func (v mavenVersion) compareNothing() int {
	for ; ; v.at++ {
		switch v.next() {
		case mavenNone:
			return 0
		case mavenList:
			inner := v.inner()
			return inner.compareNothing()
		}
		if c := v.item().compareNothing(); c != 0 {
			return c
		}
	}
}

func compareMaven(v, w mavenVersion) int {
	for ; ; v.at, w.at = v.at+1, w.at+1 {
		kindV, kindW := v.next(), w.next()
		c := 0
		switch {
		case kindV == mavenNone && kindW == mavenNone:
			return 0
		case kindV == mavenNone:
			return -w.compareNothing()
		case kindW == mavenNone:
			return v.compareNothing()
		case kindV != kindW: // numbers are above lists, and these above text
			return mavenRank(kindV) - mavenRank(kindW)
		case kindV == mavenList:
			return compareMaven(v.inner(), w.inner())
		case kindV == mavenNumber:
			c = compareNumbers(v.item().text, w.item().text)
		default:
			x, y := v.item(), w.item()
			if c = int(x.rank) - int(y.rank); c == 0 && x.rank == unknownRank {
				c = compareFold(x.text, y.text)
			}
		}
		if c != 0 {
			return c
		}
	}
}

func mavenRank(kind int8) int {
	return [...]int{mavenText: 0, mavenList: 1, mavenNumber: 2}[kind]
}

// Ranks of text. Unknown qualifiers are above all others, in the order of their texts.
const (
	releaseRank = 5
	unknownRank = 7
)

var qualifiers = [...]struct {
	name string
	rank int8
}{
	{"alpha", 0}, {"beta", 1}, {"milestone", 2}, {"rc", 3}, {"cr", 3}, {"snapshot", 4}, {"ga", releaseRank},
	{"final", releaseRank}, {"release", releaseRank}, {"sp", 6},
}

func rankQualifier(text string, short bool) int8 {
	if short && len(text) == 1 {
		if rank := strings.IndexByte("abm", lower(text[0])); rank >= 0 {
			return int8(rank)
		}
	}
	for i := range qualifiers {
		known := &qualifiers[i]
		if len(text) == len(known.name) && lower(text[0]) == known.name[0] && compareFold(text, known.name) == 0 {
			return known.rank
		}
	}
	return unknownRank
}

// maven is the order of ComparableVersion, which takes any text. It is no order in the sense of mathematics: there are circles.
func maven(a, b string) Order {
	a, b = lowerUnicode(a), lowerUnicode(b)
	c, a, b := compareLeading(a, b)
	if c != 0 {
		return order(c)
	}
	var bufA, bufB [8]mavenItem
	return order(compareMaven(mavenVersion{items: parseMaven(a, bufA[:0])}, mavenVersion{items: parseMaven(b, bufB[:0])}))
}

// compareLeading compares the numbers and dots that both begin with. Where two numbers differ there, no item behind them, and no
// zero that does not count before them, makes another answer: what the larger one stands against is less, be it a smaller number,
// a list, text or nothing. If none differ, it returns what is left of both from the last of these numbers on, which decides: a
// zero before it that counts in one and not in the other stands there against a list or nothing, as what follows it does.
func compareLeading(a, b string) (c int, restA, restB string) {
	restA, restB = a, b
	for {
		i, j := digits(a), digits(b)
		if i == 0 || j == 0 {
			return 0, restA, restB
		}
		if c := compareNumbers(a[:i], b[:j]); c != 0 {
			return c, "", ""
		}
		restA, restB = a, b
		if a, b = a[i:], b[j:]; a == "" || b == "" || a[0] != '.' || b[0] != '.' {
			return 0, restA, restB
		}
		a, b = a[1:], b[1:]
	}
}

// lowerUnicode is text in lower case, its digits in ASCII, if it has more than ASCII: the rest of this file looks after that.
func lowerUnicode(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return strings.Map(digitASCII, strings.ToLower(s))
		}
	}
	return s
}

func digitASCII(r rune) rune {
	const mathematical = 0x1d7ce // five sets of digits in a row begin here
	switch {
	case r < 0x80 || !unicode.IsDigit(r):
		return r
	case r >= mathematical && r < mathematical+50:
		return '0' + (r-mathematical)%10
	}
	n := rune(0)
	for n < 9 && unicode.IsDigit(r-n-1) {
		n++
	}
	return '0' + n
}
