package iamjudge

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed testdata/authorization.json
var authorization []byte

// An Action is what AWS's Service Authorization Reference says of one.
type Action struct {
	Resources []string // types of resources that it names; none means that Resource must be "*"
	Keys      []string // condition keys beside the global ones that every call has
}

var reference = sync.OnceValue(func() map[string]Action {
	var r struct{ Actions map[string]Action }
	if err := json.Unmarshal(authorization, &r); err != nil {
		panic(err)
	}
	return r.Actions
})

// Actions returns the actions, of the services that the reference has, which a pattern such as ecs:Describe* names.
func Actions(pattern string) map[string]Action {
	out := make(map[string]Action)
	for name, a := range reference() {
		if glob(strings.ToLower(pattern), strings.ToLower(name)) {
			out[name] = a
		}
	}
	return out
}

// global are the keys that every call has: "AWS global condition context keys".
var global = []string{"aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID"}

// Takes says whether calls of the action have a condition key.
func (a Action) Takes(key string) bool {
	for _, k := range append(append([]string{}, global...), a.Keys...) {
		fixed, _, tag := strings.Cut(k, "${")
		if strings.EqualFold(k, key) || tag && len(key) > len(fixed) && strings.EqualFold(fixed, key[:len(fixed)]) {
			return true
		}
	}
	return false
}

// Allows returns the actions of the reference that some statement of the document allows, whatever its resources and conditions.
func (d *Document) Allows() []string {
	var out []string
	for name := range reference() {
		c := &call{Request: &Request{Action: name}}
		for _, s := range d.statements {
			if s.Effect == "Allow" && (s.hasAction && c.isAction(s.Action) || s.hasNotAction && !c.isAction(s.NotAction)) {
				out = append(out, name)
				break
			}
		}
	}
	return out
}
