package notary_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/verify/notary"
)

// asked are names that every trust policy is asked for beside its own scopes: a repository that no policy names, and what is no
// repository, which is nobody's and not everybody's.
var asked = []string{"r.example/any", "", "*", "app", "r.example/any:v1", "r.example/any@sha256:0", "https://r.example/any",
	"r.example/Any", "r.example/"}

// TestRegress judges each testdata/regress/NAME.in, a notation trust policy with one root in each store of type ca that it names: whom it
// trusts for each scope, or why nobody.
func TestRegress(t *testing.T) {
	root := pemOf(t, newChain(t, newKey(), nil)[1].Raw)
	regress.Run(t, func(_ *testing.T, in []byte) string {
		var named struct {
			TrustPolicies []struct{ RegistryScopes, TrustStores []string }
		}
		stores := map[string][]byte{}
		var scopes []string
		if json.Unmarshal(in, &named) == nil { // what is no JSON names nothing
			for _, p := range named.TrustPolicies {
				scopes = append(scopes, p.RegistryScopes...)
				for _, s := range p.TrustStores {
					if name, ok := strings.CutPrefix(s, "ca:"); ok {
						stores["truststore/x509/ca/"+name+"/root.pem"] = root
					}
				}
			}
		}
		p, err := notary.ReadTrustPolicy(config(string(in), stores))
		if err != nil {
			return fmt.Sprintf("not a trust policy: %v\n", err)
		}
		var b strings.Builder
		for _, repository := range append(slices.DeleteFunc(scopes, func(s string) bool { return s == "*" }), asked...) {
			v, err := p.Verifier(repository)
			switch {
			case err != nil && !errors.Is(err, notary.ErrTrust):
				fmt.Fprintf(&b, "%q: an error of another kind: %v\n", repository, err)
			case err != nil:
				fmt.Fprintf(&b, "%q: nobody: %v\n", repository, err)
			default:
				fmt.Fprintf(&b, "%q: %q of %d roots, revocation %s\n", repository, v.Identities, len(v.CA), revocations[v.Revocation])
			}
		}
		return b.String()
	})
}

var revocations = map[notary.Revocation]string{
	notary.RevocationRequired: "required", notary.RevocationSoft: "soft", notary.RevocationOffUnsafe: "off",
}
