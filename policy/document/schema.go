package document

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// Schema returns the JSON Schema (draft 2020-12) of documents, for editors. The file schema.json beside this package is the same.
// It says what each field is; references between parts of a document, and what rules say of their fields together, only [Parse]
// and [Document.Load] tell.
func Schema() []byte {
	w := &schemaWriter{defs: map[string]any{}, names: map[reflect.Type]string{}}
	root := w.object(shapeOf(reflect.TypeFor[spec]()))
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = SchemaID
	root["title"] = "Lading policy document"
	root["$defs"] = w.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // maps of texts and numbers
	}
	return b.Bytes()
}

// SchemaID names the JSON Schema of documents of version 1.
const SchemaID = "https://github.com/ladingdev/lading/policy/document/v1/schema.json"

type schemaWriter struct {
	defs  map[string]any
	names map[reflect.Type]string
}

func (w *schemaWriter) object(s *shape) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range s.fields {
		properties[f.name] = w.field(f)
		if f.required {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		out["required"] = required
	}
	if len(s.oneOf) > 0 {
		var ones []any
		for _, name := range s.oneOf {
			ones = append(ones, map[string]any{"required": []string{name}})
		}
		out["oneOf"] = ones
	}
	return out
}

// field is the schema of a member, with what editors show.
func (w *schemaWriter) field(f *field) map[string]any {
	out := w.value(f.shape, f)
	if f.help != "" {
		if out["$ref"] != nil { // which stands beside a description since 2019-09
			out = map[string]any{"$ref": out["$ref"]}
		}
		out["description"] = f.help
	}
	if f.some {
		out["minProperties"] = 1
	}
	return out
}

func (w *schemaWriter) value(s *shape, f *field) map[string]any {
	switch s.kind {
	case objectShape:
		return map[string]any{"$ref": "#/$defs/" + w.def(s)}
	case listShape:
		out := map[string]any{"type": "array", "minItems": 1, "items": w.value(s.elem, f)}
		if s.elem.kind == textShape {
			out["uniqueItems"] = true
		}
		return out
	case namesShape:
		names := map[string]any{"pattern": formats["name"].pattern}
		if f.enum != nil {
			names = map[string]any{"enum": f.enum}
		}
		value := w.value(s.elem, &field{min: 1})
		return map[string]any{"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": value}
	case integerShape:
		return map[string]any{"type": "integer", "minimum": f.min, "maximum": 1 << 31}
	case numberShape:
		return map[string]any{"type": "number", "minimum": 0}
	case booleanShape:
		return map[string]any{"type": "boolean"}
	case durationShape:
		return map[string]any{"type": "string", "pattern": durationFormat.pattern}
	case timeShape:
		return map[string]any{"type": "string", "pattern": timeFormat.pattern}
	case anyShape:
		return map[string]any{}
	}
	out := map[string]any{"type": "string", "pattern": `\S`}
	if f.enum != nil {
		return map[string]any{"enum": f.enum}
	}
	if fm := formats[f.format]; fm != nil {
		out["pattern"] = fm.pattern
	}
	return out
}

// def returns the name under which the schema of an object is kept.
func (w *schemaWriter) def(s *shape) string {
	if name, ok := w.names[s.typ]; ok {
		return name
	}
	name := strings.TrimSuffix(lowerFirst(s.typ.Name()), "Spec")
	for w.defs[name] != nil { // a type of the same name in another package
		name += "Of" + s.typ.PkgPath()[strings.LastIndexByte(s.typ.PkgPath(), '/')+1:]
	}
	w.names[s.typ] = name
	w.defs[name] = map[string]any{} // before its fields, among which it may be
	w.defs[name] = w.object(s)
	return name
}
