package sbom

import (
	"iter"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
)

// A Hash is a digest of a component's content.
type Hash struct {
	Algorithm string // as CycloneDX writes it: SHA-256, SHA-512, SHA3-256, BLAKE2b-256, MD5
	Value     string // hexadecimal
}

// Hashes returns the digests of a component's content, in the order of the document, with CycloneDX's names of
// algorithms. They are read from the document at each call.
func (d *Document) Hashes(ref Ref) (out []Hash) {
	words := specOf(d.format).Words
	list, alg, value := words.Hashes, words.HashAlgorithm, words.HashValue
	r := d.reader(ref)
	for name := range r.Object() {
		if string(name) != list || r.Kind() != strictjson.Array {
			continue
		}
		for range r.Array() {
			if r.Kind() != strictjson.Object {
				continue
			}
			var h Hash
			code := false
			for name := range r.Object() {
				switch {
				case r.Kind() != strictjson.String:
				case string(name) == "type" && list == "verifiedUsing":
					code = string(r.Text()) == "PackageVerificationCode" // of files, not of the package
				case string(name) == alg:
					h.Algorithm = algorithm(index.View(r))
				case string(name) == value:
					h.Value = index.View(r)
				}
			}
			if !code {
				out = append(out, h)
			}
		}
	}
	return out
}

// algorithm writes SPDX's names of hash algorithms as CycloneDX does.
func algorithm(name string) string {
	for ours, two := range model.SPDX2Hashes {
		if name == two || name == model.SPDX3Hashes[ours] {
			return ours
		}
	}
	return name
}

// ByHash yields the components with a hash, in document order. The case of its digits does not matter.
func (d *Document) ByHash(h Hash) iter.Seq[Ref] {
	all := remember(&d.memos.hashes, func() map[Hash][]Ref {
		m := map[Hash][]Ref{}
		for i := range d.components {
			for _, h := range d.Hashes(Ref(i)) {
				h.Value = strings.ToLower(h.Value)
				m[h] = append(m[h], Ref(i))
			}
		}
		return m
	})
	return refs(all[Hash{h.Algorithm, strings.ToLower(h.Value)}])
}
