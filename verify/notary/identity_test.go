package notary

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ladingdev/lading/verify"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBelowAWS(t *testing.T) {
	v := new(Verifier)
	roots := AWSRoots()
	for _, root := range roots {
		// Whoever trusts an authority between the root and the leaf trusts no more for that.
		if !v.belowAWS([]*x509.Certificate{new(x509.Certificate), root}) {
			t.Errorf("not below %s", root.Subject)
		}
	}
	if v.belowAWS([]*x509.Certificate{new(x509.Certificate)}) {
		t.Error("any chain is below AWS's roots")
	}
	v.AWSRoots = []*x509.Certificate{{Raw: []byte("emulator")}}
	if !v.belowAWS([]*x509.Certificate{{Raw: []byte("emulator")}}) || !v.belowAWS(roots) {
		t.Error("to mark another root takes the place of AWS's")
	}
}

// What is remembered about revocation has a bound, and nothing is remembered wrong.
func TestAnswers(t *testing.T) {
	var a answers
	asked := 0
	get := func(i int) {
		if _, err := a.get(t.Context(), question(nil, strconv.Itoa(i)), time.Unix(0, 0), func() error { asked++; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(a.known) > maxAnswers || len(a.asking) > 0 {
			t.Fatalf("%d answers are remembered, %d are awaited", len(a.known), len(a.asking))
		}
	}
	for i := range 3 * maxAnswers {
		get(i)
		get(i)
	}
	if asked != 3*maxAnswers {
		t.Errorf("asked %d times about %d signatures", asked, 3*maxAnswers)
	}
}

// Whoever asks at the same time gets the same answer, and nobody gets that of one who did not wait for it.
func TestAnswersTogether(t *testing.T) {
	const n = 20
	failed := errors.New("failed")
	for name, want := range map[string]error{"good": nil, "revoked": verify.ErrRevoked, "not known": failed} {
		synctest.Test(t, func(t *testing.T) {
			var a answers
			var asked atomic.Int32
			var wg sync.WaitGroup
			ask := func() error {
				asked.Add(1)
				time.Sleep(time.Second)
				return want
			}
			for range n {
				wg.Go(func() {
					if _, err := a.get(t.Context(), question(nil, "one"), time.Now(), ask); err != want {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			wg.Wait()
			if asked.Load() != 1 {
				t.Errorf("%s: asked %d times", name, asked.Load())
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var a answers
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := a.get(ctx, question(nil, "one"), time.Now(), func() error { <-ctx.Done(); return ctx.Err() })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up: %v", err)
			}
		})
		synctest.Wait()
		for range n {
			wg.Go(func() {
				if _, err := a.get(t.Context(), question(nil, "one"), time.Now(), func() error { return nil }); err != nil {
					t.Errorf("who waited: %v", err)
				}
			})
		}
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := a.get(short, question(nil, "one"), time.Now(), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waited too long: %v", err)
		}
		cancel()
		wg.Wait()
	})
	// Who does not come back has not answered.
	var a answers
	func() {
		defer func() { _ = recover() }()
		_, _ = a.get(t.Context(), question(nil, "one"), time.Now(), func() error { panic("gone") })
	}()
	if _, err := a.get(t.Context(), question(nil, "one"), time.Now(), func() error { return failed }); err != failed {
		t.Errorf("after a panic: %v", err)
	}
}

var escape = strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`, `"`, `\"`, "<", `\<`, ">", `\>`, ";", `\;`, "#", `\#`, "=",
	`\=`, " ", `\ `)

// What certificates are called, and by which identities they are meant.
func TestIdentities(t *testing.T) {
	name := func(pairs ...string) *x509.Certificate {
		var rdns pkix.RDNSequence
		for i := 0; i < len(pairs); i += 2 {
			var oid asn1.ObjectIdentifier
			for n := range strings.SplitSeq(pairs[i], ".") {
				oid = append(oid, must(strconv.Atoi(n)))
			}
			rdns = append(rdns, pkix.RelativeDistinguishedNameSET{{Type: oid, Value: pairs[i+1]}})
		}
		c := new(x509.Certificate)
		c.Subject.FillFromRDNSequence(&rdns)
		return c
	}
	const c, l, st, o, ou, cn = "2.5.4.6", "2.5.4.7", "2.5.4.8", "2.5.4.10", "2.5.4.11", "2.5.4.3"
	plain := name(c, "US", st, "WA", o, "acme", cn, "release")
	comma := name(c, "US", st, "WA", o, "Acme, Inc.", ou, `a+b=c;"d"\e`)
	spaces := name(c, "US", st, "WA", o, " acme ", ou, "#1")
	extended := name(c, "US", st, "WA", o, "acme", "2.5.4.15", "Private Organization", "1.3.6.1.4.1.311.60.2.1.3", "US",
		"0.9.2342.19200300.100.1.1", "42", "1.2.840.113549.1.9.1", "a@acme.example")
	for _, tt := range []struct {
		dn   string
		leaf *x509.Certificate
		want bool
	}{
		{"C=US,ST=WA,O=acme", plain, true},
		{"  O=acme ,CN=release,  C = US , S= WA ", plain, true},
		{"c=US,st=WA,o=acme", plain, true},
		{"2.5.4.6=US,2.5.4.8=WA,2.5.4.10=acme", plain, true},
		{"C=US,ST=WA,O=ac\\6de", plain, true},
		{"C=us,ST=WA,O=acme", plain, false},
		{"C=US,ST=WA,O=acme,CN=releas", plain, false},
		{"C=US,ST=WA,O=acme,CN=release2", plain, false},
		{"C=US,ST=WA,O=acme,CN=*", plain, false},
		{"C=US,ST=WA,O=*", plain, false},
		{"C=US,ST=WA,O=acme,OU=x", plain, false},
		{"C=US,ST=WA,O=acme", name(c, "US", st, "WA", o, "acme", o, "other"), false},
		{"C=US,ST=WA,O=acme", name(c, "US", st, "WA", o, "acme", "1.2.3", "x", "1.2.3", "y"), false},
		{"C=US,ST=WA,O=acme", name(c, "US", st, "WA"), false},
		{"C=US,ST=WA,O=acme", name(), false},
		{`C=US,ST=WA,O=Acme\, Inc.`, comma, true},
		{`C=US,ST=WA,O=Acme\2C\20Inc.`, comma, true},
		{`C=US,ST=WA,O=Acme\, Inc.,OU=a\+b=c\;\"d\"\\e`, comma, true},
		{`C=US,ST=WA,O=Acme\, Inc`, comma, false},
		{`C=US,ST=WA,O=\ acme\ ,OU=\#1`, spaces, true},
		{`C=US,ST=WA,O=\ acme\   ,OU=\#1`, spaces, true},
		{`C=US,ST=WA,O= acme `, spaces, false},
		{"C=US,ST=WA,O=acme,2.5.4.15=Private Organization,UID=42,emailAddress=a@acme.example", extended, true},
		{"C=US,ST=WA,O=acme,2.5.4.15=Government Entity", extended, false},
	} {
		ids, err := parseIdentities([]string{"x509.subject:" + tt.dn})
		if err != nil {
			t.Errorf("%s: %v", tt.dn, err)
			continue
		}
		if _, err := ids.match(tt.leaf); (err == nil) != tt.want {
			t.Errorf("%s, and the subject %s: %v", tt.dn, tt.leaf.Subject, err)
		}
	}
	for _, dn := range []string{
		"", "C=US", "C=US,ST=WA", "C=US,O=acme", "ST=WA,O=acme", "C=US,ST=,O=acme", "C=US,ST=WA,O=acme,OU=", "C=US,ST=WA,O=acme,",
		"C=US,ST=WA,O=acme,O=acme", "C=US,ST=WA,S=WA,O=acme", "C=US,2.5.4.6=US,ST=WA,O=acme", "C=US+ST=WA,O=acme",
		"C=US,ST=WA,O=Acme, Inc.",
		"C=US;ST=WA;O=acme", "C=US,ST=WA,O=a\\", "C=US,ST=WA,O=a\\x", "C=US,ST=WA,O=\\ff", `C=US,ST=WA,O="acme"`, "C=US,ST=WA,O=acme,X=y",
		"C=US,ST=WA,O=#", "C=US,ST=WA,O=#130461636d65", "C=US,ST=WA,O= #x", "*",
	} {
		if _, err := parseIdentities([]string{"x509.subject:" + dn}); !errors.Is(err, verify.ErrNotTrusted) {
			t.Errorf("%q: %v", dn, err)
		}
	}
}

// FuzzParseIdentity: a name that is read and written again names the same, and never everybody.
func FuzzParseIdentity(f *testing.F) {
	for _, text := range []string{
		"x509.subject: C=US, ST=WA, O=acme.example",
		"x509.subject:C=US,S=WA,O=acme\\, inc,OU=a\\=b\\#,CN=x",
		"x509.subject: C=US, ST=WA, O=acme, O=evil",
		"x509.subject: C=US+ST=WA, O=acme",
		"x509.subject: C=US, ST=WA, O=#0403414243",
		"x509.subject: C=US, ST=WA, O=a\\",
		`x509.subject: C=US, ST=WA, O=\20acme\2c inc\ , 2.5.4.15=A`,
		"x509.subject: C=" + strings.Repeat("=#", 400),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseIdentity(text)
		if err != nil {
			return
		}
		var parts []string
		for key, value := range id {
			if len(value)*2+40 > maxIdentity/len(id) {
				return // longer once it is escaped
			}
			parts = append(parts, key+"="+escape.Replace(value))
		}
		again, err := parseIdentity("x509.subject:" + strings.Join(parts, ","))
		if err != nil || len(again) != len(id) {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
		for key, value := range id {
			if again[key] != value {
				t.Errorf("%q: %s is %q, and then %q", text, key, value, again[key])
			}
		}
	})
}
