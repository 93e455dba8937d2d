package cel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	bare "cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document/cel"
	"github.com/ladingdev/lading/verify"
)

// components is a CycloneDX document of n components with one licence each.
func components(n int) string {
	var b strings.Builder
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`)
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `{"type":"library","name":"package-%d","version":"1.%d.0","purl":"pkg:npm/package-%d@1.%d.0",`+
			`"licenses":[{"license":{"id":"MIT"}}]}`, i, i, i, i)
	}
	return b.String() + "]}"
}

// BenchmarkCondition asks conditions of this package and of cel-go alone in turn, from the bytes of the predicate to the answer: the
// bare way is json.Unmarshal into the same Go type and Program.Eval, without bounds.
func BenchmarkCondition(b *testing.B) {
	for _, bb := range []struct{ name, predicateType, predicate, source string }{
		{"licences of 1000 components", bomType, components(1000), `size(predicate.components) > 0 && predicate.components.all(c, ` +
			`!c.licenses.exists(l, l.license.id in ["AGPL-3.0-only", "AGPL-3.0-or-later", "SSPL-1.0", "GPL-3.0-only", ` +
			`"GPL-3.0-or-later"]))`},
		{"builder", provenanceType, provenance, `predicate.runDetails.builder.id == "https://ci.example/v2" && ` +
			`predicate.buildDefinition.externalParameters.ref == "refs/heads/main"`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			a := attestation(bb.predicateType, bb.predicate)
			check, err := new(cel.Compiler).Compile(bb.source, []string{bb.predicateType})
			if err != nil {
				b.Fatal(err)
			}
			var shape reflect.Type = reflect.TypeFor[cel.CycloneDX]()
			if bb.predicateType == provenanceType {
				shape = reflect.TypeFor[cel.Provenance]()
			}
			program := bareProgram(b, shape, bb.source)
			ours := func() {
				if err := check(context.Background(), &policy.Input{Now: now}, a); err != nil {
					b.Fatal(err)
				}
			}
			theirs := func() {
				v := reflect.New(shape).Interface()
				if err := json.Unmarshal(a.Predicate, v); err != nil {
					b.Fatal(err)
				}
				if out, _, err := program.Eval(map[string]any{"predicate": v}); err != nil || out != types.True {
					b.Fatal(out, err)
				}
			}
			ratio(b, ours, theirs)
		})
	}
}

func bareProgram(b *testing.B, shape reflect.Type, source string) bare.Program {
	b.Helper()
	name := ext.ParseStructField(func(f reflect.StructField) string {
		if n := f.Tag.Get("cel"); n != "" {
			return n
		}
		return f.Tag.Get("json")
	})
	env, err := bare.NewEnv(ext.NativeTypes(shape, name), bare.Variable("predicate", bare.ObjectType("cel."+shape.Name())))
	if err != nil {
		b.Fatal(err)
	}
	ast, issues := env.Compile(source)
	if issues.Err() != nil {
		b.Fatal(issues.Err())
	}
	program, err := env.Program(ast, bare.EvalOptions(bare.OptOptimize))
	if err != nil {
		b.Fatal(err)
	}
	return program
}

// ratio runs both in turn and reports the ratio of their shortest times.
func ratio(b *testing.B, ours, theirs func()) {
	var x, y []time.Duration
	measure := func(f func()) time.Duration {
		begin := time.Now()
		f()
		return time.Since(begin)
	}
	for b.Loop() {
		x, y = append(x, measure(ours)), append(y, measure(theirs))
	}
	b.ReportMetric(float64(slices.Min(x))/float64(slices.Min(y)), "ratio") // what others do on the machine only adds
	b.ReportMetric(0, "ns/op")
}

var _ verify.Verifier = nobody{}
