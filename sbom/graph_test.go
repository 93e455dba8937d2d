package sbom

import (
	"slices"
	"strings"
	"testing"
)

const graphDocument = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
	{"type":"application","bom-ref":"a","name":"a","hashes":[{"alg":"SHA-1","content":"ABCD"}]},
	{"type":"library","bom-ref":"b","name":"b","purl":"pkg:npm/b@1","licenses":[{"license":{"id":"MIT","acknowledgement":"declared"}},{"license":{"name":"x"}}]},
	{"type":"library","bom-ref":"c","name":"c","purl":"pkg:npm/b@1"},
	{"type":"library","bom-ref":"d","name":"d"}],
	"dependencies":[{"ref":"a","dependsOn":["b","c","gone"]},{"ref":"b","dependsOn":["d"]},{"ref":"c","dependsOn":["d"]},{"ref":"d","dependsOn":["b"]}]}`

func TestGraph(t *testing.T) {
	d, err := Parse(strings.NewReader(graphDocument))
	if err != nil {
		t.Fatal(err)
	}
	g := d.Graph()
	for _, tt := range []struct {
		what      string
		got, want []Ref
	}{
		{"dependencies of a", slices.Collect(g.Dependencies(0)), []Ref{1, 2, 3}},
		{"dependencies of b, in a cycle", slices.Collect(g.Dependencies(1)), []Ref{3}},
		{"dependents of d", slices.Collect(g.Dependents(3)), []Ref{1, 2, 0}},
		{"direct of a", g.Direct(0), []Ref{1, 2}},
		{"path a to d", g.Path(0, 3), []Ref{0, 1, 3}},
		{"path c to b", g.Path(2, 1), []Ref{2, 3, 1}},
		{"path b to a", g.Path(1, 0), nil},
		{"path a to a", g.Path(0, 0), []Ref{0}},
		{"by purl", slices.Collect(d.ByPURL("pkg:npm/b@1")), []Ref{1, 2}},
		{"by no purl", slices.Collect(d.ByPURL("")), nil},
		{"by hash", slices.Collect(d.ByHash(Hash{"SHA-1", "abcd"})), []Ref{0}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	want := []LicenseClaim{{Role: "declared", State: Value, Expression: "MIT"}, {State: Value, Name: "x"}}
	if got := d.Licenses(1); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := d.Licenses(0); got != nil {
		t.Errorf("%+v, want none", got)
	}
}
