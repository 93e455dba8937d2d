package verify_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	"filippo.io/mldsa"

	"github.com/ladingdev/lading/verify"
)

// Wycheproof's vectors of ML-DSA go through the verification of a file's bundle. Those of a context are refused, however valid:
// what is signed here has none.
func TestWycheproofMLDSA(t *testing.T) {
	counts := map[string]int{}
	for name, data := range unpack(t, "mldsa.tar.gz") {
		var doc struct {
			Algorithm  string
			TestGroups []struct {
				PublicKey string
				Tests     []struct {
					TcID                  int
					Msg, Ctx, Sig, Result string
				}
			}
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		params := map[string]mldsa.Parameters{"ML-DSA-44": mldsa.MLDSA44(), "ML-DSA-65": mldsa.MLDSA65(),
			"ML-DSA-87": mldsa.MLDSA87()}[doc.Algorithm]
		for _, g := range doc.TestGroups {
			raw, err := hex.DecodeString(g.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			pub, keyErr := mldsa.NewPublicKey(params, raw)
			for _, v := range g.Tests {
				msg, err1 := hex.DecodeString(v.Msg)
				sig, err2 := hex.DecodeString(v.Sig)
				if err1 != nil || err2 != nil {
					t.Fatal(name, v.TcID, err1, err2)
				}
				want := v.Result == "valid" && v.Ctx == ""
				err := keyErr
				if err == nil {
					err = verifyFile(t, pub, 0, msg, sig)
					if err != nil && !errors.Is(err, verify.ErrNotTrusted) && !errors.Is(err, verify.ErrMalformed) {
						t.Errorf("%s %d: an unexpected error: %v", name, v.TcID, err)
					}
				}
				if (err == nil) != want {
					t.Errorf("%s %d is %s with context %q: %v", name, v.TcID, v.Result, v.Ctx, err)
				}
				counts[map[bool]string{true: "accepted", false: "refused"}[err == nil]]++
				if v.Ctx != "" {
					counts["of a context"]++
				}
			}
		}
	}
	t.Log(counts)
	if counts["accepted"] < 20 || counts["refused"] < 20 || counts["of a context"] == 0 {
		t.Errorf("the vectors did not run: %v", counts)
	}
}
