package cel

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/ladingdev/lading/internal/nearest"
	"github.com/ladingdev/lading/policy/document"
)

var (
	undefinedField = regexp.MustCompile(`^undefined field '([^']*)'`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
)

// compile checks a source: its types, and what types do not tell.
func (e *environment) compile(source string, shape reflect.Type) (*cel.Ast, error) {
	if len(source) > maxSource {
		return nil, &document.SourceError{Line: 1, Column: 1, Reason: fmt.Sprintf("the condition has more than %d bytes", maxSource)}
	}
	checked, issues := e.env.Compile(source)
	if issues != nil && issues.Err() != nil {
		if first := issues.Errors(); len(first) > 0 {
			return nil, e.sourceError(first[0], shape)
		}
		return nil, &document.SourceError{Line: 1, Column: 1, Reason: issues.Err().Error()}
	}
	if t := checked.OutputType(); t.Kind() != types.BoolKind {
		reason := fmt.Sprintf("the condition is of type %s, and not a boolean", cel.FormatCELType(t))
		return nil, &document.SourceError{Line: 1, Column: 1, Reason: reason,
			Suggestion: "compare it with something"}
	}
	w := &walker{ast: checked.NativeRep()}
	w.walk(w.ast.Expr(), nil)
	if w.fault != nil {
		return nil, w.fault
	}
	return checked, nil
}

func (e *environment) sourceError(err *cel.Error, shape reflect.Type) error {
	out := &document.SourceError{Line: max(err.Location.Line(), 1), Column: max(err.Location.Column()+1, 1), Reason: err.Message}
	if m := undefinedField.FindStringSubmatch(err.Message); m != nil {
		out.Reason, out.Suggestion = fmt.Sprintf("there is no field %q", m[1]), nearest.Suggest(m[1], e.names)
	} else if m := undeclared.FindStringSubmatch(err.Message); m != nil {
		out.Reason, out.Suggestion = fmt.Sprintf("there is no %q", m[1]), nearest.Suggest(m[1], e.names)
		if m[1] == "predicate" && shape == nil {
			out.Reason, out.Suggestion = "the fields of these predicate types are not known", "write raw for predicate"
		}
	}
	return out
}

// A walker looks for what is right by its types and likely wrong.
type walker struct {
	ast   *ast.AST
	fault *document.SourceError
}

func (w *walker) fail(e ast.Expr, suggestion, format string, args ...any) {
	if w.fault == nil {
		loc := w.ast.SourceInfo().GetStartLocation(e.ID())
		w.fault = &document.SourceError{Line: max(loc.Line(), 1), Column: max(loc.Column()+1, 1), Suggestion: suggestion}
		w.fault.Reason = fmt.Sprintf(format, args...)
	}
}

// walk looks at an expression; guards are the expressions that hold where it is asked.
func (w *walker) walk(e ast.Expr, guards []ast.Expr) {
	switch e.Kind() {
	case ast.CallKind:
		w.call(e, guards)
	case ast.ComprehensionKind:
		w.loop(e, guards)
	case ast.SelectKind:
		w.walk(e.AsSelect().Operand(), guards)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			w.walk(x, guards)
		}
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			w.walk(x.AsMapEntry().Key(), guards)
			w.walk(x.AsMapEntry().Value(), guards)
		}
	case ast.StructKind:
		w.fail(e, "compare its fields", "a value of a struct cannot be made here")
	}
}

func (w *walker) call(e ast.Expr, guards []ast.Expr) {
	c := e.AsCall()
	if c.FunctionName() == "matches" {
		args := c.Args()
		pattern := args[len(args)-1]
		switch text, ok := literal(pattern); {
		case !ok:
			w.fail(pattern, "write it as a text", "a regular expression that is not written out")
		case !strings.HasPrefix(text, "^") || !strings.HasSuffix(text, "$") || strings.Contains(text, "|") && !enclosed(text):
			w.fail(pattern, "write ^(...)$", "the regular expression %q is not anchored: it matches whatever has it inside", text)
		}
	}
	if c.FunctionName() == operators.LogicalAnd {
		var parts []ast.Expr
		for _, arg := range c.Args() {
			parts = append(parts, conjuncts(arg)...)
		}
		guards = append(slices.Clone(guards), parts...)
	}
	if c.IsMemberFunction() {
		w.walk(c.Target(), guards)
	}
	for _, arg := range c.Args() {
		w.walk(arg, guards)
	}
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().Value().(string)
	return s, ok
}

// enclosed tells a regular expression whose alternatives stand in one pair of parentheses that goes from ^ to $.
func enclosed(text string) bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(text, "^"), "$")
	depth := 0
	for i := range len(inner) {
		switch inner[i] {
		case '\\':
			return !strings.Contains(inner, "|") // too hard to tell: parentheses may be escaped
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				return false
			}
		}
	}
	return true
}

func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		var out []ast.Expr
		for _, arg := range e.AsCall().Args() {
			out = append(out, conjuncts(arg)...)
		}
		return out
	}
	return []ast.Expr{e}
}

func (w *walker) loop(e ast.Expr, guards []ast.Expr) {
	c := e.AsComprehension()
	of := c.IterRange()
	if t := w.ast.GetType(of.ID()); t != nil && t.Kind() == types.MapKind {
		w.fail(of, "name the keys that are meant", "a loop over a mapping, which has no order")
	}
	if w.isAll(c) && !w.guarded(of, guards) {
		list := w.text(of)
		w.fail(e, fmt.Sprintf("write size(%s) > 0 && before it", list), "all() is true of an empty list, and %s may be empty", list)
	}
	w.walk(of, guards)
	w.walk(c.LoopStep(), guards)
}

// isAll tells the macro all: its accumulator begins as true.
func (w *walker) isAll(c ast.ComprehensionExpr) bool {
	init := c.AccuInit()
	return init.Kind() == ast.LiteralKind && init.AsLiteral() == types.True
}

// guarded reports whether something that holds says that a list has elements.
func (w *walker) guarded(list ast.Expr, guards []ast.Expr) bool {
	if list.Kind() == ast.ListKind {
		return list.AsList().Size() > 0
	}
	text := w.text(list)
	for _, g := range guards {
		switch w.text(g) {
		case "size(" + text + ") > 0", "size(" + text + ") >= 1", "size(" + text + ") != 0",
			text + ".size() > 0", text + ".size() >= 1", text + ".size() != 0", text + " != []":
			return true
		}
		if strings.HasPrefix(w.text(g), text+".exists(") || strings.HasPrefix(w.text(g), text+".exists_one(") {
			return true
		}
	}
	return false
}

func (w *walker) text(e ast.Expr) string {
	s, err := cel.ExprToString(e, w.ast.SourceInfo())
	if err != nil {
		return "the list"
	}
	return s
}

// variablesOf returns the variables that an expression uses.
func variablesOf(checked *cel.Ast) map[string]bool {
	used := map[string]bool{}
	for _, ref := range checked.NativeRep().ReferenceMap() {
		if ref.Name != "" {
			used[ref.Name] = true
		}
	}
	return used
}

// affordable returns an error if an expression may cost more than most.
func (e *environment) affordable(checked *cel.Ast, most uint64) error {
	cost, err := e.env.EstimateCost(checked, sizes{})
	if err != nil {
		return &document.SourceError{Line: 1, Column: 1, Reason: "its cost cannot be told: " + err.Error()}
	}
	if cost.Max > most {
		return &document.SourceError{Line: 1, Column: 1,
			Suggestion: "loops in loops cost most: compare with a list, by in, or use a rule instead of a condition",
			Reason:     fmt.Sprintf("the condition may cost %s, and at most %d is let in", units(cost.Max), most)}
	}
	return nil
}

func units(n uint64) string {
	if n > 1<<62 {
		return "without end"
	}
	return fmt.Sprint(n)
}

// sizes are the most that there may be of everything, as decode has it.
type sizes struct{}

func (sizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	if s := element.ComputedSize(); s != nil {
		return nil // which is known better
	}
	path := element.Path()
	if len(path) == 0 {
		return nil
	}
	most := uint64(maxNested)
	switch t := element.Type(); t.Kind() {
	case types.StringKind, types.BytesKind:
		if most = maxText; path[0] == "raw" {
			most = maxRaw
		}
	case types.ListKind:
		switch {
		case path[0] == "predicate" && !slices.Contains(path, "@items"):
			most = maxList
		case path[0] == "predicate":
			most = maxInner
		}
	case types.MapKind:
	case types.DynKind, types.AnyKind:
		most = maxRaw
	default:
		return nil
	}
	return &checker.SizeEstimate{Min: 0, Max: most}
}

func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
