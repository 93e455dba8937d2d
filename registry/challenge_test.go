package registry

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The challenge that can be answered is chosen, in whatever order and form they come (RFC 9110, section 11.6.1).
func TestChooseChallenge(t *testing.T) {
	const bearer = `Bearer realm="https://auth.example/token",service="reg",scope="repository:a:pull"`
	for _, tt := range []struct {
		headers []string
		want    string
		fails   bool
	}{
		{[]string{bearer}, bearer, false},
		{[]string{"Negotiate", bearer}, bearer, false},
		{[]string{"Negotiate, " + bearer}, bearer, false},
		{[]string{"Negotiate YWJjPT0=, " + bearer}, bearer, false},
		{[]string{`Basic realm="x"`, bearer}, bearer, false},
		{[]string{`Basic realm="x, y", ` + bearer}, bearer, false},
		{[]string{bearer + `, Basic realm="x"`}, bearer, false},
		{[]string{`bearer Realm = "https://auth.example/token" , SERVICE=reg,Scope="repository:a:pull"`}, bearer, false},
		{[]string{`Bearer realm="https://auth.example/token?a=\"b\"",error="invalid_token"`},
			`Bearer realm="https://auth.example/token?a=\"b\""`, false},
		{[]string{`Basic realm="x"`}, "Basic", false},
		{[]string{`Digest realm="x"`, "Negotiate"}, "", false},
		{nil, "", false},
		{[]string{`,, ="", Bearer`}, "", true},
		{[]string{`Bearer realm=""`}, "", true},
		{[]string{`Bearer realm="/token"`}, "", true},
		{[]string{`Bearer realm="ftp://auth.example/token"`}, "", true},
		{[]string{`Bearer realm="http://[::1"`}, "", true},
	} {
		got, realm, err := chooseChallenge(tt.headers)
		if (err != nil) != tt.fails || got != tt.want {
			t.Errorf("%q: %q, %v", tt.headers, got, err)
		}
		if strings.HasPrefix(got, "Bearer") && (realm == nil || realm.Host != "auth.example") {
			t.Errorf("%q: realm %v", tt.headers, realm)
		}
	}
}

// What is chosen reads as the same challenge, and no header makes it fail otherwise than with an error.
func FuzzChallenges(f *testing.F) {
	f.Add(`Negotiate, Bearer realm="https://auth.example/token",service="r\"eg", Basic realm=x`)
	f.Add(`bearer Realm = "https://a/b" , Scope="repository:a:pull,push"`)
	f.Fuzz(func(t *testing.T, header string) {
		chosen, realm, err := chooseChallenge([]string{header})
		if err != nil || realm == nil {
			return
		}
		again, second, err := chooseChallenge([]string{chosen})
		if err != nil || again != chosen || second.String() != realm.String() {
			t.Errorf("%q: %q, then %q, %v", header, chosen, again, err)
		}
		if n := len(parseChallenges([]string{chosen})); n != 1 {
			t.Errorf("%q: %d challenges in %q", header, n, chosen)
		}
	})
}

// The names of a repository under which a login may be kept, the longest first (containers-auth.json(5)).
func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		repository, host string
		want             []string
	}{
		{"quay.io/acme/app", "quay.io", []string{"quay.io/acme/app", "quay.io/acme", "quay.io"}},
		{"docker.io/library/alpine", "registry-1.docker.io", []string{"docker.io/library/alpine", "docker.io/library", "docker.io"}},
		{"quay.io/acme/app", "mirror.example", []string{"mirror.example"}},
	} {
		ctx := withRepository(t.Context(), tt.repository)
		if diff := cmp.Diff(tt.want, places(ctx, tt.host)); diff != "" {
			t.Error(diff)
		}
	}
}

// Errors of the file system have kinds, and keep their cause.
func TestFileError(t *testing.T) {
	for cause, want := range map[error]error{
		syscall.ENOSPC: ErrUnavailable, syscall.EIO: ErrUnavailable, syscall.EMFILE: ErrUnavailable, fs.ErrNotExist: ErrNotFound,
		fs.ErrPermission: ErrUnauthorized, syscall.EROFS: ErrUnauthorized, syscall.EISDIR: ErrMalformed, syscall.ELOOP: ErrMalformed,
	} {
		for _, err := range []error{&fs.PathError{Op: "write", Path: "x", Err: cause}, &os.LinkError{Op: "rename", Old: "a", New: "b",
			Err: cause}} {
			if got := fileError(err); !errors.Is(got, want) || !errors.Is(got, cause) {
				t.Errorf("%v: %v", cause, got)
			}
		}
	}
	if got := fileError(io.ErrUnexpectedEOF); got != io.ErrUnexpectedEOF {
		t.Errorf("%v", got)
	}
	if fileError(nil) != nil {
		t.Error("nil is an error")
	}
}
