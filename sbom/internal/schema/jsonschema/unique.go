package jsonschema

import (
	"hash/maphash"
	"strconv"

	"github.com/ladingdev/lading/internal/strictjson"
)

// few is how many elements are compared with each other without hashes.
const few = 8

// repeated finds elements of an array that repeat earlier ones (uniqueItems).
func (v *validator) repeated(s *Schema, n Node, count int) (found []finding) {
	if count <= few {
		return v.repeatedFew(s, n, count)
	}
	// Most elements differ in what stands right in them. Where too many do not, all of each is hashed.
	found, ok := v.repeatedBy(s, n, count, v.d.shallowHash)
	if !ok {
		found, _ = v.repeatedBy(s, n, count, nil)
	}
	return found
}

func (v *validator) repeatedFew(s *Schema, n Node, count int) (found []finding) {
	var items [few]Node
	k := 0
elements:
	for i, item := range v.d.Elements(n) {
		for _, other := range items[:k] {
			if v.d.equal(other, item) {
				found = append(found, finding{item, s, "uniqueItems", strconv.Itoa(i)})
				continue elements
			}
		}
		items[k] = item
		k++
	}
	return found
}

// repeatedBy gives up where more than few elements have one hash; not by their full hash, which is nil.
func (v *validator) repeatedBy(s *Schema, n Node, count int, hash func(Node) uint64) (found []finding, ok bool) {
	full := hash == nil
	if full {
		hash = func(n Node) uint64 { return v.d.hash(n, v.hashes) }
	}
	first := make(map[uint64]Node, count)
	var more map[uint64][]Node // behind the first
elements:
	for i, item := range v.d.Elements(n) {
		h := hash(item)
		other, taken := first[h]
		if !taken {
			first[h] = item
			continue
		}
		if !full && len(more[h]) == few {
			return nil, false
		}
		for k := 0; ; k++ {
			if v.d.equal(other, item) {
				found = append(found, finding{item, s, "uniqueItems", strconv.Itoa(i)})
				continue elements
			}
			if k == len(more[h]) {
				break
			}
			other = more[h][k]
		}
		if more == nil {
			more = map[uint64][]Node{}
		}
		more[h] = append(more[h], item)
	}
	return found, true
}

// shallowHash is equal for values that are equal as JSON values, and looks at the texts right in an object only.
func (d *Document) shallowHash(n Node) uint64 {
	switch d.Kind(n) {
	case strictjson.Object:
		sum := uint64(0x9e3779b97f4a7c15)
		for k, v := range d.Members(n) { // in any order
			h := uint64(d.Kind(v))
			if h == uint64(strictjson.String) {
				h = maphash.Bytes(d.seed, d.Text(v))
			}
			sum += maphash.Bytes(d.seed, d.Text(k)) * (h | 1)
		}
		return sum
	case strictjson.String:
		return maphash.Bytes(d.seed, d.Text(n))
	}
	return uint64(d.Kind(n))
}
