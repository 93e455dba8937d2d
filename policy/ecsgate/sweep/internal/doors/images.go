package doors

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// What tells a field for a container image from one for a picture or a machine image: its name, or its documentation.
var (
	imageName   = regexp.MustCompile(`(?i)image|container_?(uri|url)$|repository_?uri$|ecr_?uri$`)
	surelyImage = regexp.MustCompile(`(?i)image_?uri|container_?uri|container_?image|docker_?image|ecr_?uri|` +
		`^(resolved|training|inference|rule_?evaluator)_?image$|^image_?override$`)
	imageDoc  = regexp.MustCompile(`(?i)\bECR\b|\bdocker\b|container image|\bOCI image|image URI`)
	notImages = regexp.MustCompile(`(?i)scan|sha$|hash$|credential|tags?$|status|mutab|type|count|prefix|policy|` +
		`size|format|arch|version|lifecycle|replicat|pushed`)
	taskName = regexp.MustCompile(`(?i)^(ecs)?_?task_?definition(_?arn)?$|^container_?definitions?$`)
)

// An ImageField is a text in the types of a service that names a container image or a task definition of ECS.
type ImageField struct {
	Kind string // image or task definition
	Name string // TYPE.FIELD
}

func classify(of, field, doc string, text bool) (string, bool) {
	switch {
	case taskName.MatchString(field) && (text || strings.Contains(strings.ToLower(field), "container")):
		return "task definition", strings.Contains(strings.ToLower(field), "task") || strings.Contains(doc, "ECS")
	case !text || notImages.MatchString(field):
		return "", false
	case surelyImage.MatchString(field), strings.EqualFold(of, "ContainerImage") && strings.EqualFold(field, "uri"):
		return "image", true
	}
	return "image", imageName.MatchString(field) && imageDoc.MatchString(doc)
}

func collect(found map[ImageField]bool) []ImageField {
	var list []ImageField
	for f := range found {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b ImageField) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return list
}

// Images searches the types of a service module of the AWS SDK for Go v2 in a folder for fields that name images.
func Images(dir string) ([]ImageField, error) {
	names, _ := filepath.Glob(filepath.Join(dir, "api_op_*.go"))
	if len(names) == 0 {
		return nil, fmt.Errorf("doors: no operations in %s: not a service module of the AWS SDK for Go v2", dir)
	}
	found := map[ImageField]bool{}
	for _, name := range append(names, filepath.Join(dir, "types", "types.go")) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range decl.Specs {
				spec, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if t, ok := spec.Type.(*ast.StructType); ok {
					imagesOf(spec.Name.Name, t, found)
				}
			}
		}
	}
	return collect(found), nil
}

func imagesOf(of string, t *ast.StructType, found map[ImageField]bool) {
	for _, field := range t.Fields.List {
		e := field.Type
		if star, ok := e.(*ast.StarExpr); ok {
			e = star.X
		}
		if list, ok := e.(*ast.ArrayType); ok {
			e = list.Elt
		}
		id, ok := e.(*ast.Ident)
		for _, name := range field.Names {
			if kind, yes := classify(of, name.Name, strings.Join(strings.Fields(field.Doc.Text()), " "), ok && id.Name == "string"); yes {
				found[ImageField{kind, of + "." + name.Name}] = true
			}
		}
	}
}

var markup = regexp.MustCompile(`<[^>]+>`)

// ModelImages searches the model of a service, from which AWS makes its SDKs, for fields that name images: a service-2.json as in the
// botocore repository. Names are spelled as in Go.
func ModelImages(r io.Reader) ([]ImageField, error) {
	type member struct{ Shape, Documentation string }
	var model struct {
		Operations map[string]struct{ Input, Output member }
		Shapes     map[string]struct {
			Type, Documentation string
			Members             map[string]member
			Member              member
		}
	}
	if err := json.NewDecoder(r).Decode(&model); err != nil {
		return nil, fmt.Errorf("doors: not the model of a service: %w", err)
	}
	names := map[string]string{} // of requests and answers, in Go
	for name, o := range model.Operations {
		names[o.Input.Shape], names[o.Output.Shape] = name+"Input", name+"Output"
	}
	found := map[ImageField]bool{}
	for of, shape := range model.Shapes {
		if shape.Type != "structure" {
			continue
		}
		if name := names[of]; name != "" {
			of = name
		}
		for name, m := range shape.Members {
			target := model.Shapes[m.Shape]
			doc := markup.ReplaceAllString(m.Documentation+" "+target.Documentation, "")
			name = strings.ToUpper(name[:1]) + name[1:]
			text := target.Type == "string" || target.Type == "list" && model.Shapes[target.Member.Shape].Type == "string"
			if kind, yes := classify(of, name, doc, text); yes {
				found[ImageField{kind, of + "." + name}] = true
			}
		}
	}
	return collect(found), nil
}

//go:embed services.tsv
var servicesTSV string

// A Service is a line of services.tsv.
type Service struct {
	Name         string   // of its module in the AWS SDK for Go v2
	Kind         string   // image, task definition, or document: texts that name images without a field for them
	Fields       []string // TYPE.FIELD, sorted
	Gated, Swept []string
	Why          string
}

// Services returns the services that have a field for an image, or a document that may name one.
func Services() (list []Service, err error) {
	for n, text := range strings.Split(strings.TrimSuffix(servicesTSV, "\n"), "\n") {
		if strings.HasPrefix(text, "#") {
			continue
		}
		columns := strings.Split(text, "\t")
		if len(columns) != 6 {
			return nil, fmt.Errorf("doors: line %d of services.tsv has %d columns, not 6", n+1, len(columns))
		}
		s := Service{Name: columns[0], Kind: columns[1], Gated: words(columns[3]), Swept: words(columns[4]), Why: columns[5]}
		if columns[2] != "-" {
			s.Fields = strings.Split(columns[2], " ")
		}
		l := Line{Item: Item{Kind: "field", Name: s.Name}, Gated: s.Gated, Swept: s.Swept, Why: s.Why}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("doors: line %d of services.tsv: %w", n+1, err)
		}
		list = append(list, s)
	}
	return list, nil
}
