package spdx2

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// indexReader indexes a document (spdx.github.io/spdx-spec/v2.3).
type indexReader struct {
	x             *index.Index
	describes     []string
	hasFiles      []hasFile
	relationships []byte
}

type hasFile struct {
	from index.Ref
	to   string
}

// Index returns a reader of the document of an index.
func Index(x *index.Index) index.Reader { return &indexReader{x: x} }

func (s *indexReader) Member(r *strictjson.Reader, name []byte) bool {
	switch string(name) {
	case "spdxVersion":
		s.x.Specification, s.x.Version = "SPDX", r.String()
	case "SPDXID":
		index.View(r) // which has to be a text
	case "name":
		s.x.Name = index.View(r)
	case "documentNamespace":
		s.x.ID = index.View(r)
	case "creationInfo":
		for name := range r.Object("created") {
			if string(name) == "created" {
				s.x.Created = index.View(r)
			}
		}
	case "documentDescribes":
		s.describes = index.Views(r)
	case "packages":
		s.elements(r, "")
	case "files":
		s.elements(r, "file")
	case "relationships":
		r.Kind() // moves to the value
		start := r.Offset()
		readRelationships(r, nil)
		if r.Err() == nil {
			s.relationships = s.x.Text[start:r.Offset()]
		}
	default:
		return false
	}
	return true
}

func (s *indexReader) elements(r *strictjson.Reader, kind string) {
	if r.Null() {
		return
	}
	for range r.Array() {
		ref, err := s.x.Next()
		if err != nil {
			r.Fail(err)
			return
		}
		r.Kind() // moves to the value
		start := r.Offset()
		v := index.Component{Kind: kind}
		for name := range r.Object("SPDXID", "name", "versionInfo", "externalRefs") {
			switch string(name) {
			case "SPDXID":
				v.ID = index.View(r)
			case "name", "fileName":
				v.Name = index.View(r)
			case "versionInfo":
				v.Version = index.View(r)
			case "primaryPackagePurpose":
				v.Kind = index.View(r)
			case "externalRefs":
				if purl := externalPURL(r); v.PURL == "" {
					v.PURL = purl
				}
			case "hasFiles":
				for _, id := range index.Views(r) {
					s.hasFiles = append(s.hasFiles, hasFile{ref, id})
				}
			}
		}
		if r.Err() == nil {
			v.Raw = s.x.Text[start:r.Offset()]
		}
		s.x.Put(ref, v)
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
				kind = index.View(r)
			case "referenceLocator":
				locator = index.View(r)
			}
		}
		if purl == "" && kind == "purl" {
			purl = locator
		}
	}
	return purl
}

func (s *indexReader) Is() bool {
	return s.x.Specification == "SPDX" && s.x.BOMFormat == "" && s.x.Context == ""
}

func (s *indexReader) Finish() error {
	version, ok := strings.CutPrefix(s.x.Version, "SPDX-")
	if !ok || !slices.Contains(schema.Versions("SPDX 2"), version) {
		return fmt.Errorf("%w: spdxVersion %.20q", spec.ErrVersion, s.x.Version)
	}
	s.x.Version = version
	described, hasFiles, relationships := s.describes, s.hasFiles, s.relationships
	s.x.Link = func(l index.Linker) {
		for _, id := range described {
			l.Root(l.Ref(id))
		}
		for _, h := range hasFiles {
			l.Add(h.from, l.Ref(h.to), model.Contains)
		}
		if relationships == nil {
			return
		}
		readRelationships(strictjson.NewReader(relationships, index.Limits), func(from, kind, to string) {
			t := model.Relation(kind)
			if turned, ok := model.Reversed[kind]; ok {
				from, to, t = to, from, turned
			}
			if t == model.Describes && from == spec.DocumentID {
				l.Root(l.Ref(to))
				return
			}
			l.Add(l.Ref(from), l.Ref(to), t)
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
				from = index.View(r)
			case "relationshipType":
				kind = index.View(r)
			case "relatedSpdxElement":
				to = index.View(r)
			}
		}
		if visit != nil {
			visit(from, kind, to)
		}
	}
}
