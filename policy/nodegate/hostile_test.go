package nodegate_test

import (
	"bytes"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy/nodegate"
)

// Calls that hide an unsigned image, or are not one thing: none is allowed, and each is answered with one clean line.
func TestHostile(t *testing.T) {
	w := newWorld(t, nil)
	signed, unsigned := string(w.signed), string(w.unsigned)
	name := w.host + "/shop/web"
	call := func(name, sum string, more ...string) []string {
		return append([]string{"-name", name, "-digest", sum}, more...)
	}
	descriptor := func(sum string) string {
		return `{"mediaType":"` + ocispec.MediaTypeImageManifest + `","digest":"` + sum + `","size":2}`
	}
	typed := []string{"-stdin-media-type", ocispec.MediaTypeDescriptor}
	for what, c := range map[string]struct {
		args  []string
		stdin string
	}{
		"the signed one in the name":       {call(name+":v1@"+signed, unsigned), ""},
		"the signed one in the tag":        {call(name+":"+strings.Replace(signed, ":", "-", 1), unsigned), ""},
		"the signed one on standard input": {call(name, unsigned, typed...), descriptor(signed)},
		"the digest twice in the " +
			"descriptor": {call(name, unsigned, typed...), strings.Replace(descriptor(signed), `{`, `{"digest":"`+unsigned+`",`, 1)},
		"the digest in another case": {call(name, unsigned, typed...),
			strings.Replace(descriptor(unsigned), `{`, `{"Digest":"`+signed+`",`, 1)},
		"two descriptors":                     {call(name, signed, typed...), descriptor(signed) + descriptor(unsigned)},
		"a byte order mark":                   {call(name, signed, typed...), "\ufeff" + descriptor(signed)},
		"a descriptor that is cut off":        {call(name, signed, typed...), descriptor(signed)[:40]},
		"a descriptor nested too deep":        {call(name, signed, typed...), `{"x":` + strings.Repeat("[", 100_000)},
		"arguments in another order, twice":   {[]string{"-digest", signed, "-name", name, "-digest", unsigned}, ""},
		"an argument with =":                  {[]string{"-name=" + name, "-digest=" + signed}, ""},
		"an argument without value":           {call(name, signed, "-stdin-media-type"), ""},
		"help":                                {[]string{"-h"}, ""},
		"an upper-case digest":                {call(name, strings.ToUpper(signed)), ""},
		"a digest with a blank":               {call(name, signed+" "), ""},
		"a digest of another algorithm":       {call(name, "sha512:"+strings.Repeat("a", 128)), ""},
		"a short digest":                      {call(name, signed[:20]), ""},
		"a digest as a path":                  {call(name, "sha256:../../../../etc/passwd"), ""},
		"a scheme in the name":                {call("https://"+name, signed), ""},
		"a name upwards":                      {call(w.host+"/shop/../shop/web", signed), ""},
		"a zero-width blank in the name":      {call(name+"\u200b", signed), ""},
		"a newline in the name":               {call(name+"\nlading allowed: signed", signed), ""},
		"an escape in the name":               {call("\x1b[2J"+name, signed), ""},
		"a user in the name":                  {call("user@"+name, signed), ""},
		"an address in short":                 {call(strings.Replace(name, "127.0.0.1", "127.1", 1), signed), ""},
		"an address in octal":                 {call(strings.Replace(name, "127.0.0.1", "0177.0.0.1", 1), signed), ""},
		"the identifier of a local image":     {call(strings.TrimPrefix(signed, "sha256:"), signed), ""},
		"a long name":                         {call(w.host+"/"+strings.Repeat("a/", 60_000)+"a", signed), ""},
		"another repository with its content": {call(w.host+"/shop/other", signed), ""},
		"an empty name":                       {call("", signed), ""},
		"bytes that are no text":              {call(name+"\xff\xfe", signed), ""},
	} {
		var out bytes.Buffer
		if status := w.gate.Run(t.Context(), c.args, strings.NewReader(c.stdin), &out); status == nodegate.ExitAllowed ||
			!oneLine(out.String()) {
			t.Errorf("%s: %d, %q", what, status, out.String())
		}
	}
}
