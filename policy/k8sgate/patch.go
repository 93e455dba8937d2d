package k8sgate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An operation is one of a JSON Patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

// pin returns the patch that sets names. Each value is tested first, for a patch of what is not there is no error everywhere.
func pin(images []Image, names []string) (patch []operation) {
	for i, image := range images {
		if names[i] != image.Name {
			patch = append(patch, operation{"test", image.Pointer, image.Name}, operation{"replace", image.Pointer, names[i]})
		}
	}
	return patch
}

// checkPatch applies a patch to the object and returns an error unless the object then names exactly the images that are wanted,
// and is the same otherwise as far as its images go.
func (g *Gate) checkPatch(v *review, images []Image, names []string, patch []operation) error {
	d := json.NewDecoder(bytes.NewReader(v.object))
	d.UseNumber()
	var object any
	if err := d.Decode(&object); err != nil {
		return err
	}
	for _, op := range patch {
		if err := op.apply(object); err != nil {
			return fmt.Errorf("the patch does not fit the object: %s %.200q: %w", op.Op, op.Path, err)
		}
	}
	patched, err := json.Marshal(object)
	if err != nil {
		return err
	}
	place := g.placeOf(v)
	want, _, err := find(v.object, place, v.group)
	if err != nil {
		return err
	}
	for i, image := range images {
		for j := range want {
			if want[j].Pointer == image.Pointer {
				want[j].Name = names[i]
			}
		}
	}
	got, _, err := find(patched, place, v.group)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("the patch makes %d images of %d", len(got), len(want))
	}
	named := make(map[string]string, len(got))
	for _, image := range got {
		named[image.Pointer] = image.Name
	}
	for _, image := range want {
		if named[image.Pointer] != image.Name {
			return fmt.Errorf("the patch makes %.200q of %s, which is to be %.200q", named[image.Pointer], image.Where, image.Name)
		}
	}
	return nil
}

// apply does an operation of ours: test and replace of a string.
func (op operation) apply(value any) error {
	parts := strings.Split(op.Path, "/")[1:]
	for i, part := range parts {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		last := i == len(parts)-1
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[name]
			switch {
			case !ok:
				return errors.New("there is no such member")
			case last && op.Op == "replace":
				v[name] = op.Value
			case last && member != any(op.Value):
				return errors.New("there is another value")
			}
			value = member
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(v) {
				return errors.New("there is no such element")
			}
			switch {
			case last && op.Op == "replace":
				v[n] = op.Value
			case last && v[n] != any(op.Value):
				return errors.New("there is another value")
			}
			value = v[n]
		default:
			return errors.New("it leads into a value that has no members")
		}
	}
	return nil
}
