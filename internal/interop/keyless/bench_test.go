package keyless

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// floor returns the signatures that cannot be left out once a trusted root is loaded, with keys of our own: so many on P-384, P-256
// and Ed25519.
func floor(t testing.TB, p384, p256, ed int) func() {
	t.Helper()
	digest, long := sha256.Sum256([]byte("m")), sha512.Sum384([]byte("m"))
	var checks []func() bool
	for curve, n := range map[elliptic.Curve]int{elliptic.P384(): p384, elliptic.P256(): p256} {
		d := digest[:]
		if curve == elliptic.P384() {
			d = long[:]
		}
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := key.Sign(rand.Reader, d, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			checks = append(checks, func() bool { return ecdsa.VerifyASN1(&key.PublicKey, d, sig) })
		}
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sig := ed25519.Sign(key, digest[:])
	for range ed {
		checks = append(checks, func() bool { return ed25519.Verify(pub, digest[:], sig) })
	}
	return func() {
		for _, c := range checks {
			if !c() {
				t.Error("a check failed")
			}
		}
	}
}

// benched are three bundles, of which each log and material is one, and their floor.
func benched(t testing.TB) (out []sample, floors []func()) {
	for _, s := range samples(t) {
		switch {
		case strings.HasPrefix(s.name, "happy-path-v0.2/"), s.name == "bundle-provenance/bundle.sigstore.json":
			floors = append(floors, floor(t, 1, 4, 0)) // certificate; SCT, promise, checkpoint, signature
		case strings.HasPrefix(s.name, "rekor2-timestamp-with-embedded-cert/"):
			floors = append(floors, floor(t, 2, 2, 1)) // certificate, token; SCT, signature; checkpoint
		default:
			continue
		}
		out = append(out, s)
	}
	if len(out) != 3 {
		t.Fatal(len(out))
	}
	return out, floors
}

// BenchmarkBundle takes turns: ours, sigstore-go and the bare checks of signatures, and reports the lower quartile of each in
// microseconds, and the ratios.
func BenchmarkBundle(b *testing.B) {
	all, floors := benched(b)
	for i, s := range all {
		b.Run(strings.Split(s.name, "/")[0], func(b *testing.B) {
			r, err := sigstore.ParseRoot(s.root, nil)
			if err != nil {
				b.Fatal(err)
			}
			v, err := s.verifier(r)
			if err != nil {
				b.Fatal(err)
			}
			judge, policy, err := s.judge()
			if err != nil {
				b.Fatal(err)
			}
			must := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
			}
			runs := []func(){func() { must(s.check(v)) }, func() { must(s.judged(judge, policy)) }, floors[i]}
			times := make([][]float64, len(runs))
			for b.Loop() {
				for j, run := range runs {
					start := time.Now()
					run()
					times[j] = append(times[j], float64(time.Since(start))/1e3)
				}
			}
			var low [3]float64
			for j, t := range times {
				slices.Sort(t)
				low[j] = t[len(t)/4]
			}
			ours, theirs := testing.AllocsPerRun(10, runs[0]), testing.AllocsPerRun(10, runs[1])
			b.ReportMetric(low[0], "ours-µs")
			b.ReportMetric(low[1], "sigstore-go-µs")
			b.ReportMetric(low[2], "floor-µs")
			b.ReportMetric(low[0]/low[2], "×floor")
			b.ReportMetric(low[1]/low[0], "×faster")
			b.ReportMetric(ours, "ours-allocs")
			b.ReportMetric(theirs, "sigstore-go-allocs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRoot loads the production root.
func BenchmarkRoot(b *testing.B) {
	data := samples(b)[0].root
	low := func(run func()) float64 {
		var times []float64
		for range 40 {
			start := time.Now()
			run()
			times = append(times, float64(time.Since(start))/1e3)
		}
		slices.Sort(times)
		return times[len(times)/4]
	}
	for b.Loop() {
		b.ReportMetric(low(func() {
			if _, err := sigstore.ParseRoot(data, nil); err != nil {
				b.Fatal(err)
			}
		}), "ours-µs")
		b.ReportMetric(low(func() {
			if _, err := root.NewTrustedRootFromJSON(data); err != nil {
				b.Fatal(err)
			}
		}), "sigstore-go-µs")
	}
}

// Ten thousand bundles of one authority leave nothing behind.
func TestMemory(t *testing.T) {
	all, _ := benched(t)
	s := all[0]
	r, err := sigstore.ParseRoot(s.root, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.verifier(r)
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	n := 1000
	if heavy() {
		n = 10_000
	}
	if err := s.check(v); err != nil {
		t.Fatal(err)
	}
	before := heap()
	for range n {
		if err := s.check(v); err != nil {
			t.Fatal(err)
		}
	}
	after := heap()
	t.Log(fmt.Sprintf("%d bundles: heap %d kB, then %d kB", n, before>>10, after>>10))
	if after > before+256<<10 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}
