package k8sgate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A Place is where objects of a kind name images, for kinds that are not Kubernetes' own.
type Place struct {
	// Group and Kind of the objects, such as "argoproj.io" and "Rollout". Versions do not matter.
	Group, Kind string
	// PodSpecs are paths to what has containers, initContainers, ephemeralContainers and volumes, such as
	// "spec.template.spec". A part [*] is each element of a list, "spec.tasks[*].podSpec", and a part * is each member of an object,
	// "spec.replicaSpecs.*.template.spec".
	PodSpecs []string
	// Images are paths to the names of images themselves, such as "spec.steps[*].image".
	Images []string
}

// paths are all of a place, for people.
func (p *Place) paths() string { return strings.Join(slices.Concat(p.PodSpecs, p.Images), ", ") }

// builtin are the kinds of Kubernetes that have pods in them, and where. Whatever else it has brings no image in.
var builtin = []Place{
	{"", "Pod", []string{"spec"}, nil},
	{"", "PodTemplate", []string{"template.spec"}, nil},
	{"", "ReplicationController", []string{"spec.template.spec"}, nil},
	{"apps", "Deployment", []string{"spec.template.spec"}, nil},
	{"apps", "ReplicaSet", []string{"spec.template.spec"}, nil},
	{"apps", "StatefulSet", []string{"spec.template.spec"}, nil},
	{"apps", "DaemonSet", []string{"spec.template.spec"}, nil},
	{"extensions", "Deployment", []string{"spec.template.spec"}, nil},
	{"extensions", "ReplicaSet", []string{"spec.template.spec"}, nil},
	{"extensions", "DaemonSet", []string{"spec.template.spec"}, nil},
	{"batch", "Job", []string{"spec.template.spec"}, nil},
	{"batch", "CronJob", []string{"spec.jobTemplate.spec.template.spec"}, nil},
}

// resources are those of builtin by group: a review of one of them that says another kind contradicts itself.
var resources = map[string][]string{
	"":           {"pods", "podtemplates", "replicationcontrollers"},
	"apps":       {"deployments", "replicasets", "statefulsets", "daemonsets"},
	"extensions": {"deployments", "replicasets", "daemonsets"},
	"batch":      {"jobs", "cronjobs"},
}

// imageless are the subresources through which no image gets in, or whose object has none that counts: pods/status is what a
// client says, pods/resize drops the images that it is given.
var imageless = map[string]bool{
	"status": true, "scale": true, "resize": true, "binding": true, "eviction": true, "exec": true, "attach": true, "portforward": true,
	"proxy": true, "log": true, "token": true, "approval": true, "finalize": true,
}

// An Image is one place in an object that names an image.
type Image struct {
	Pointer string // RFC 6901, into the object
	Where   string // for people, such as `init container "setup"`
	Name    string // as it is written

	set string // what it is one of, with its name there: containers are told apart by name and image, never by index
}

const maxImages = 1000 // in one object; a pod at etcd's limit has fewer

// An extractor finds images in one object.
type extractor struct {
	r             *strictjson.Reader
	images        []Image
	pull          Pull
	version, kind string // that the object says it is of
}

// find returns the images of an object, where the places say.
func find(object []byte, place *Place, group string) ([]Image, Pull, error) {
	x := &extractor{}
	for _, path := range place.PodSpecs {
		x.read(object, path, x.podSpec)
	}
	for _, path := range place.Images {
		x.read(object, path, func(pointer string) {
			x.add(Image{Pointer: pointer, Where: strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", "."),
				Name: x.r.String(), set: path})
		})
	}
	if x.r == nil {
		return nil, x.pull, nil
	}
	if err := x.r.End(); err != nil {
		return nil, x.pull, fmt.Errorf("%w: the object: %w", ErrReview, err)
	}
	is, _, found := strings.Cut(x.version, "/")
	if !found {
		is = ""
	}
	if x.kind != place.Kind || is != group {
		return nil, x.pull, fmt.Errorf("%w: the object is a %.80q of group %.80q, and its review says %.80q of %.80q",
			ErrReview, x.kind, is, place.Kind, group)
	}
	return x.images, x.pull, nil
}

// read follows a path in the object and calls what for each value that is there.
func (x *extractor) read(object []byte, path string, what func(pointer string)) {
	if x.r != nil && x.r.Err() != nil {
		return
	}
	x.r = strictjson.NewReader(object, strictjson.Limits{})
	path0, rest := steps(path)[0], steps(path)[1:]
	for name := range x.r.Object("apiVersion", "kind", path0) {
		switch string(name) {
		case "apiVersion":
			x.version = x.r.String()
		case "kind":
			x.kind = x.r.String()
		case path0:
			x.follow(rest, "/"+escape(path0), what)
		}
	}
}

// steps takes a path apart: "a.b[*].*.c" is a, b, [*], *, c.
func steps(path string) []string {
	return strings.Split(strings.ReplaceAll(path, "[*]", ".[*]"), ".")
}

func (x *extractor) follow(path []string, pointer string, what func(pointer string)) {
	switch {
	case x.r.Null():
	case len(path) == 0:
		what(pointer)
	case path[0] == "[*]":
		for i := range x.r.Array() {
			x.follow(path[1:], pointer+"/"+strconv.Itoa(i), what)
		}
	case path[0] == "*":
		for name := range x.r.Object() {
			x.follow(path[1:], pointer+"/"+escape(string(name)), what)
		}
	default:
		for name := range x.r.Object(path[0]) {
			if string(name) == path[0] {
				x.follow(path[1:], pointer+"/"+escape(path[0]), what)
			}
		}
	}
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901, section 3

// escape writes a name in a JSON pointer.
func escape(name string) string { return pointerEscapes.Replace(name) }

func (x *extractor) add(i Image) {
	if len(x.images) >= maxImages {
		x.r.Fail(fmt.Errorf("it names more than %d images", maxImages))
		return
	}
	x.images = append(x.images, i)
}

// podSpec reads what of a pod names images, and who pulls them.
func (x *extractor) podSpec(pointer string) {
	for name := range x.r.Object("containers", "initContainers", "ephemeralContainers", "volumes",
		"imagePullSecrets", "serviceAccountName", "nodeName") {
		switch string(name) {
		case "containers":
			x.containers(pointer+"/containers", "container")
		case "initContainers":
			x.containers(pointer+"/initContainers", "init container")
		case "ephemeralContainers":
			x.containers(pointer+"/ephemeralContainers", "ephemeral container")
		case "volumes":
			x.volumes(pointer + "/volumes")
		case "imagePullSecrets":
			x.secrets()
		case "serviceAccountName":
			x.pull.ServiceAccount = x.text()
		case "nodeName":
			x.pull.Node = x.text()
		}
	}
}

// text reads a string that may be null.
func (x *extractor) text() string {
	if x.r.Null() {
		return ""
	}
	return x.r.String()
}

// list reads an array that may be null.
func (x *extractor) list(each func(i int)) {
	if x.r.Null() {
		return
	}
	for i := range x.r.Array() {
		each(i)
	}
}

func (x *extractor) containers(pointer, what string) {
	x.list(func(i int) {
		var name, image string
		for member := range x.r.Object("name", "image") {
			switch string(member) {
			case "name":
				name = x.text()
			case "image":
				image = x.text()
			}
		}
		x.add(Image{
			Pointer: pointer + "/" + strconv.Itoa(i) + "/image", Where: what + " " + strconv.Quote(clip(name)), Name: image,
			set: what + "/" + name,
		})
	})
}

// volumes reads image volumes (KEP 4639). A volume of another kind names no image.
func (x *extractor) volumes(pointer string) {
	x.list(func(i int) {
		var name, reference string
		is := false
		for member := range x.r.Object("name", "image") {
			switch {
			case string(member) == "name":
				name = x.text()
			case string(member) == "image" && !x.r.Null():
				is = true
				for source := range x.r.Object("reference", "pullPolicy") {
					if string(source) == "reference" {
						reference = x.text()
					}
				}
			}
		}
		if is {
			x.add(Image{
				Pointer: pointer + "/" + strconv.Itoa(i) + "/image/reference", Where: "image volume " + strconv.Quote(clip(name)),
				Name: reference,
				set:  "volume/" + name,
			})
		}
	})
}

func (x *extractor) secrets() {
	x.list(func(int) {
		for member := range x.r.Object("name") {
			if string(member) == "name" {
				x.pull.Secrets = append(x.pull.Secrets, x.text())
			}
		}
	})
}

// placeOf returns where objects under review name images; nil if they do not.
func (g *Gate) placeOf(v *review) *Place {
	if v.operation == "DELETE" || v.operation == "CONNECT" || imageless[v.subresource] {
		return nil
	}
	for _, list := range [][]Place{builtin, g.Places} {
		for i, p := range list {
			if p.Kind == v.kind && p.Group == v.group {
				return &list[i]
			}
		}
	}
	return nil
}

// toJudge returns the images that come in by a request: all of what is new, and of an update what was not there before.
func (g *Gate) toJudge(v *review) ([]Image, Pull, error) {
	place := g.placeOf(v)
	if place == nil {
		if (v.operation == "CREATE" || v.operation == "UPDATE") && !imageless[v.subresource] &&
			slices.Contains(resources[v.at], v.resource) {
			return nil, Pull{}, fmt.Errorf("%w: it is about %s of group %q, and says a %.80q of %.80q", ErrReview, v.resource, v.at,
				v.kind, v.group)
		}
		return nil, Pull{}, nil
	}
	images, pull, err := find(v.object, place, v.group)
	if err != nil {
		return nil, pull, err
	}
	if len(images) == 0 && slices.ContainsFunc(g.Places, func(p Place) bool { return p.Kind == v.kind && p.Group == v.group }) {
		v.warning = fmt.Sprintf("this %s of %s names no image where the gate looks, at %s, so nothing was judged",
			clip(v.kind), clip(v.group), place.paths())
	}
	pull.Namespace = v.namespace
	if v.subresource == "ephemeralcontainers" && v.operation == "UPDATE" { // the others are dropped
		images = only(images, func(i Image) bool { return strings.HasPrefix(i.set, "ephemeral container/") })
	}
	if v.kind != "Pod" { // a template without image is filled in by somebody, in an update
		images = only(images, func(i Image) bool { return i.Name != "" })
	}
	if v.operation != "UPDATE" || v.old == nil {
		return images, pull, nil
	}
	before, _, err := find(v.old, place, v.group)
	if err != nil {
		return nil, pull, errors.Join(errors.New("the old object"), err)
	}
	had := make(map[[2]string]bool, len(before))
	for _, i := range before {
		had[[2]string{i.set, i.Name}] = true
	}
	return only(images, func(i Image) bool { return !had[[2]string{i.set, i.Name}] }), pull, nil
}

func only(images []Image, keep func(Image) bool) []Image {
	var kept []Image
	for _, i := range images {
		if keep(i) {
			kept = append(kept, i)
		}
	}
	return kept
}
