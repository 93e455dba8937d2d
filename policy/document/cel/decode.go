package cel

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// Limits of what a condition is asked about. They are what the cost of a condition is estimated by when it is loaded, so what is
// over them is not judged.
const (
	maxList   = 20_000 // elements of a list, such as components
	maxInner  = 16     // elements of a list in a list, on the average of maxList of them
	maxNested = 500    // members of a mapping, and elements of a list in raw
	maxText   = 4_096  // bytes of a text; of those in a list, on the average of maxList of them
	maxRaw    = 65_536 // bytes of a text in raw, and in parameters
)

// decode fills v with a predicate. Members are told by their exact names, and no member stands twice.
func decode(data []byte, v reflect.Value) error {
	r := strictjson.NewReader(data, strictjson.Limits{})
	d := &decoder{r: r}
	d.value(v, false)
	if d.over != "" {
		return fmt.Errorf("%w: %w: the predicate has %s", policy.ErrIndeterminate, verify.ErrLimit, d.over)
	}
	return r.End()
}

type decoder struct {
	r     *strictjson.Reader
	over  string // the limit that was met
	total int    // bytes of texts in lists
	inner int    // elements of lists in lists
}

func (d *decoder) limit(n, most int, what string) {
	if n > most && d.over == "" {
		d.over = fmt.Sprintf("more than %d %s", most, what)
	}
}

var timeType = reflect.TypeFor[time.Time]()

func (d *decoder) value(v reflect.Value, nested bool) {
	if d.r.Null() {
		return
	}
	switch {
	case v.Type() == timeType:
		text := d.text(nested)
		t, err := time.Parse(time.RFC3339, text)
		if err != nil && text != "" {
			d.r.Fail(fmt.Errorf("%.40q is no time of RFC 3339", text))
		}
		v.Set(reflect.ValueOf(t))
	case v.Kind() == reflect.Struct:
		d.object(v, nested)
	case v.Kind() == reflect.Slice:
		d.list(v, nested)
	case v.Kind() == reflect.Map:
		d.mapping(v)
	case v.Kind() == reflect.String:
		v.SetString(d.text(nested))
	case v.Kind() == reflect.Bool:
		v.SetBool(d.r.Bool())
	case v.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(string(d.r.Number()), 64)
		if err != nil && d.r.Err() == nil {
			d.r.Fail(err)
		}
		v.SetFloat(f)
	case v.Kind() == reflect.Int:
		v.SetInt(d.r.Int64())
	case v.Kind() == reflect.Interface:
		if x := d.any(); x != nil {
			v.Set(reflect.ValueOf(x))
		}
	default:
		panic("cel: a field of type " + v.Type().String())
	}
}

func (d *decoder) text(nested bool) string {
	s := d.r.String()
	if !nested {
		d.limit(len(s), maxText, "bytes in a text")
	} else if d.total += len(s); d.total > maxList*maxText { // a loop over the list looks at each once
		d.limit(d.total, maxList*maxText, "bytes in all texts")
	}
	return s
}

func (d *decoder) rawText() string {
	s := d.r.String()
	d.limit(len(s), maxRaw, "bytes in a text")
	return s
}

func (d *decoder) object(v reflect.Value, nested bool) {
	fields := fieldsOf(v.Type())
	for name := range d.r.Object() {
		i, ok := fields[string(name)]
		if !ok {
			continue
		}
		d.value(v.Field(i), nested)
	}
}

// fields are the indexes of a struct's fields by the names that they have in JSON.
var fields sync.Map

func fieldsOf(t reflect.Type) map[string]int {
	if m, ok := fields.Load(t); ok {
		return m.(map[string]int)
	}
	m := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		m[name] = i
	}
	fields.Store(t, m)
	return m
}

func (d *decoder) list(v reflect.Value, nested bool) {
	n := 0
	for range d.r.Array() {
		n++
		if nested {
			d.inner++
		}
		d.limit(d.inner, maxList*maxInner, "elements in lists of lists")
		if d.limit(n, maxList, "elements in a list"); d.over != "" {
			d.r.Skip()
			continue
		}
		if n > v.Cap() {
			v.Grow(max(n, 8))
		}
		v.SetLen(n)
		d.value(v.Index(n-1), true)
	}
	if n == 0 && v.IsNil() {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
}

func (d *decoder) mapping(v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	n := 0
	for name := range d.r.Object() {
		n++
		d.limit(n, maxNested, "members in an object")
		key := string(name)
		d.limit(len(key), maxRaw, "bytes in a text")
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(e, true)
		v.SetMapIndex(reflect.ValueOf(key), e)
	}
}

// any reads a value of any kind: texts, float64, booleans, lists and mappings.
func (d *decoder) any() any {
	switch d.r.Kind() {
	case strictjson.Object:
		m := map[string]any{}
		for name := range d.r.Object() {
			key := string(name)
			d.limit(len(m)+1, maxNested, "members in an object")
			d.limit(len(key), maxRaw, "bytes in a text")
			m[key] = d.any()
		}
		return m
	case strictjson.Array:
		list := []any{}
		for range d.r.Array() {
			d.limit(len(list)+1, maxNested, "elements in a list of raw")
			list = append(list, d.any())
		}
		return list
	case strictjson.String:
		return d.rawText()
	case strictjson.True, strictjson.False:
		return d.r.Bool()
	case strictjson.Number:
		f, err := strconv.ParseFloat(string(d.r.Number()), 64)
		if err != nil && d.r.Err() == nil {
			d.r.Fail(err)
		}
		return f
	}
	d.r.Null()
	return nil
}
