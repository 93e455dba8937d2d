package k8sgate

import (
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
)

// ErrReview is beside what is no AdmissionReview, or one that contradicts itself.
var ErrReview = errors.New("not an AdmissionReview that can be answered")

// Versions of AdmissionReview, which are the same in all that is read here.
const (
	reviewV1      = "admission.k8s.io/v1"
	reviewV1beta1 = "admission.k8s.io/v1beta1"
)

// A review is what of an AdmissionReview (k8s.io/api/admission/v1) decides. Objects are views of the body.
type review struct {
	version     string // of the review, to be answered in
	uid         string
	operation   string
	group       string // of the kind
	kind        string
	resource    string
	at          string // the group of the resource
	subresource string
	name        string
	namespace   string
	user        string
	groups      []string
	dryRun      bool
	object      []byte // nil if there is none
	old         []byte

	warning string // beside an answer that judged nothing, though an image was expected
}

// parseReview reads a body whole and strictly. What it returns beside an error has the version and uid, if they could be read.
func parseReview(body []byte) (*review, error) {
	r := strictjson.NewReader(body, strictjson.Limits{})
	v := &review{version: reviewV1}
	var kind, version string
	asked := false
	for name := range r.Object("apiVersion", "kind", "request", "response") {
		switch string(name) {
		case "apiVersion":
			version = r.String()
		case "kind":
			kind = r.String()
		case "request":
			asked = true
			v.request(r)
		}
	}
	if version == reviewV1beta1 {
		v.version = version
	}
	if err := r.End(); err != nil {
		return v, fmt.Errorf("%w: %w", ErrReview, err)
	}
	switch {
	case kind != "AdmissionReview" || version != reviewV1 && version != reviewV1beta1:
		return v, fmt.Errorf("%w: it is a %.80q of %.80q, and %s and %s are spoken", ErrReview, kind, version, reviewV1, reviewV1beta1)
	case !asked:
		return v, fmt.Errorf("%w: it has no request", ErrReview)
	}
	if err := v.valid(); err != nil {
		return v, fmt.Errorf("%w: %w", ErrReview, err)
	}
	return v, nil
}

func (v *review) request(r *strictjson.Reader) {
	for name := range r.Object("uid", "kind", "resource", "subResource", "requestKind", "requestResource", "requestSubResource",
		"name", "namespace", "operation", "userInfo", "object", "oldObject", "dryRun", "options") {
		switch string(name) {
		case "uid":
			v.uid = r.String()
		case "kind":
			for member := range r.Object("group", "version", "kind") {
				switch string(member) {
				case "group":
					v.group = r.String()
				case "kind":
					v.kind = r.String()
				}
			}
		case "resource":
			for member := range r.Object("group", "version", "resource") {
				switch string(member) {
				case "group":
					v.at = r.String()
				case "resource":
					v.resource = r.String()
				}
			}
		case "subResource":
			v.subresource = r.String()
		case "name":
			v.name = r.String()
		case "namespace":
			v.namespace = r.String()
		case "operation":
			v.operation = r.String()
		case "userInfo":
			v.userInfo(r)
		case "object":
			v.object = object(r)
		case "oldObject":
			v.old = object(r)
		case "dryRun":
			if !r.Null() {
				v.dryRun = r.Bool()
			}
		}
	}
}

func (v *review) userInfo(r *strictjson.Reader) {
	for member := range r.Object("username", "uid", "groups", "extra") {
		switch {
		case string(member) == "username":
			v.user = r.String()
		case string(member) == "groups" && !r.Null():
			for range r.Array() {
				v.groups = append(v.groups, r.String())
			}
		}
	}
}

// object returns the text of an object, and nothing for null.
func object(r *strictjson.Reader) []byte {
	if r.Null() {
		return nil
	}
	if r.Kind() != strictjson.Object {
		r.Fail(errors.New("the object under review is no object"))
		return nil
	}
	return r.Raw()
}

func (v *review) valid() error {
	switch {
	case v.uid == "":
		return errors.New("it has no uid")
	case v.kind == "" || v.resource == "":
		return errors.New("it does not say of which kind and resource the object is")
	case v.operation != "CREATE" && v.operation != "UPDATE" && v.operation != "DELETE" && v.operation != "CONNECT":
		return fmt.Errorf("operation %.40q, which there is not", v.operation)
	case v.object == nil && (v.operation == "CREATE" || v.operation == "UPDATE"):
		return errors.New("nothing is there to be created or updated")
	}
	return nil
}
