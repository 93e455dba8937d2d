package sbom

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// spdxReader indexes an SPDX 2 document (spdx.github.io/spdx-spec/v2.3).
type spdxReader struct {
	d             *Document
	id            string
	describes     []string
	hasFiles      []hasFile
	relationships []byte
}

type hasFile struct {
	from Ref
	to   string
}

func (s *spdxReader) member(r *strictjson.Reader, name []byte) {
	switch string(name) {
	case "SPDXID":
		s.id = view(r)
	case "name":
		s.d.name = view(r)
	case "documentNamespace":
		s.d.id = view(r)
	case "creationInfo":
		for name := range r.Object("created") {
			if string(name) == "created" {
				s.d.created = view(r)
			}
		}
	case "documentDescribes":
		s.describes = texts(r)
	case "packages":
		s.elements(r, "")
	case "files":
		s.elements(r, "file")
	case "relationships":
		r.Kind() // moves to the value
		start := r.Offset()
		readRelationships(r, nil)
		if r.Err() == nil {
			s.relationships = s.d.json[start:r.Offset()]
		}
	}
}

func texts(r *strictjson.Reader) (out []string) {
	if r.Null() {
		return nil
	}
	for range r.Array() {
		out = append(out, view(r))
	}
	return out
}

func (s *spdxReader) elements(r *strictjson.Reader, kind string) {
	if r.Null() {
		return
	}
	for range r.Array() {
		ref, err := s.d.add(Component{})
		if err != nil {
			r.Fail(err)
			return
		}
		r.Kind() // moves to the value
		start := r.Offset()
		v := Component{Kind: kind}
		for name := range r.Object("SPDXID", "name", "versionInfo", "externalRefs") {
			switch string(name) {
			case "SPDXID":
				v.ID = view(r)
			case "name", "fileName":
				v.Name = view(r)
			case "versionInfo":
				v.Version = view(r)
			case "primaryPackagePurpose":
				v.Kind = view(r)
			case "externalRefs":
				if purl := externalPURL(r); v.PURL == "" {
					v.PURL = purl
				}
			case "hasFiles":
				for _, id := range texts(r) {
					s.hasFiles = append(s.hasFiles, hasFile{ref, id})
				}
			}
		}
		if r.Err() == nil {
			v.raw = s.d.json[start:r.Offset()]
		}
		s.d.components[ref] = v
	}
}

// externalPURL returns the first package URL among external references (clause 7.21).
func externalPURL(r *strictjson.Reader) (purl string) {
	if r.Null() {
		return ""
	}
	for range r.Array() {
		var kind, locator string
		for name := range r.Object("referenceType", "referenceLocator") {
			switch string(name) {
			case "referenceType":
				kind = view(r)
			case "referenceLocator":
				locator = view(r)
			}
		}
		if purl == "" && kind == "purl" {
			purl = locator
		}
	}
	return purl
}

func (s *spdxReader) finish() error {
	version, ok := strings.CutPrefix(s.d.format.Version, "SPDX-")
	if !ok || version != "2.2" && version != "2.3" {
		return fmt.Errorf("%w: spdxVersion %.20q", ErrVersion, s.d.format.Version)
	}
	s.d.format.Version = version
	described, hasFiles, relationships := s.describes, s.hasFiles, s.relationships
	s.d.link = func(l *links) {
		for _, id := range described {
			l.root(l.ref(id))
		}
		for _, h := range hasFiles {
			l.add(h.from, l.ref(h.to), model.Contains)
		}
		if relationships == nil {
			return
		}
		readRelationships(strictjson.NewReader(relationships, strictjson.Limits{Depth: maxDepth}), func(from, kind, to string) {
			t := model.Relation(kind)
			if turned, ok := model.Reversed[kind]; ok {
				from, to, t = to, from, turned
			}
			if t == model.Describes && from == spec.DocumentID {
				l.root(l.ref(to))
				return
			}
			l.add(l.ref(from), l.ref(to), t)
		})
	}
	return nil
}

// readRelationships reads the relationships of a document, or only checks their shape.
func readRelationships(r *strictjson.Reader, visit func(from, kind, to string)) {
	if r.Null() {
		return
	}
	for range r.Array() {
		var from, kind, to string
		for name := range r.Object("spdxElementId", "relationshipType", "relatedSpdxElement") {
			switch string(name) {
			case "spdxElementId":
				from = view(r)
			case "relationshipType":
				kind = view(r)
			case "relatedSpdxElement":
				to = view(r)
			}
		}
		if visit != nil {
			visit(from, kind, to)
		}
	}
}
