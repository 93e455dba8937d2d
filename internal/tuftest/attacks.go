package tuftest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
)

// At is when attacks happen: repositories that they are tried on must be current then.
var At = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// Trusted returns a trusted root, another one each time.
func Trusted() []byte { return sigstoretest.New(At).TrustedRoot(nil) }

// An Attack makes something wrong in a repository that was right, for the next client that asks.
type Attack struct {
	Name string
	Edit func(r *Repository)
}

// Attacks returns all of them.
func Attacks() []Attack {
	stranger := Key()
	return append(fileAttacks(), []Attack{
		{"timestamp by a stranger", func(r *Repository) { r.Keys["timestamp"] = []*ecdsa.PrivateKey{stranger}; r.Publish(Trusted()) }},
		{"snapshot by a stranger", func(r *Repository) { r.Keys["snapshot"] = []*ecdsa.PrivateKey{stranger}; r.Publish(Trusted()) }},
		{"targets by one of two", func(r *Repository) { r.Keys["targets"] = r.Keys["targets"][:1]; r.Publish(Trusted()) }},
		{"targets by the online key", func(r *Repository) { r.Keys["targets"] = r.Keys["timestamp"]; r.Publish(Trusted()) }},
		{"root by itself alone", func(r *Repository) {
			r.Keys["root"] = []*ecdsa.PrivateKey{stranger}
			r.Quotas["root"] = 1
			r.Root()
		}},
		{"root by one of the old", func(r *Repository) {
			old := r.Keys["root"]
			r.Keys["root"], r.Quotas["root"] = []*ecdsa.PrivateKey{stranger}, 1
			r.Root(old[0])
		}},
		{"root by the old alone", func(r *Repository) {
			old := r.Keys["root"]
			r.Keys["root"], r.Quotas["root"] = []*ecdsa.PrivateKey{stranger}, 1
			r.Envelope["root"] = func(e map[string]any) {
				e["signatures"] = slices.DeleteFunc(e["signatures"].([]any),
					func(s any) bool { return s.(map[string]any)["keyid"] == KeyID(stranger) })
			}
			r.Root(old...)
		}},
		{"one key under two names", func(r *Repository) { // is one key: the root is signed by a quorum, the targets by one person
			one := r.Keys["root"][0]
			r.Edit["root"] = func(s map[string]any) {
				keys := s["keys"].(map[string]any)
				keys["alias"] = keys[KeyID(one)]
				s["roles"].(map[string]any)["targets"] = map[string]any{"keyids": []string{KeyID(one), "alias"}, "threshold": 2}
			}
			r.Root()
			r.Keys["targets"] = []*ecdsa.PrivateKey{one}
			r.Envelope["targets"] = func(e map[string]any) {
				sigs := e["signatures"].([]any)
				e["signatures"] = append(sigs, map[string]any{"keyid": "alias", "sig": sigs[0].(map[string]any)["sig"]})
			}
			r.Publish(Trusted())
		}},
		{"a signature twice", func(r *Repository) {
			r.Envelope["targets"] = func(e map[string]any) {
				sigs := e["signatures"].([]any)
				e["signatures"] = []any{sigs[0], sigs[0]}
			}
			r.Publish(Trusted())
		}},
		{"a root that skips a version", func(r *Repository) { r.Version["root"]++; r.Files["/2.root.json"] = r.Root() }},
		{"a root of the version before", func(r *Repository) { r.Files["/2.root.json"] = r.Files["/1.root.json"] }},
		{"snapshot names no targets", set("snapshot", func(s map[string]any) { s["meta"] = map[string]any{} })},
		{"snapshot of another version", set("snapshot", func(s map[string]any) { s["version"] = 7 })},
		{"targets of another version", set("targets", func(s map[string]any) { s["version"] = 7 })},
		{"targets for snapshot", func(r *Repository) {
			r.Publish(Trusted())
			r.Files["/2.snapshot.json"] = r.Files["/2.targets.json"]
		}},
	}...)
}

// fileAttacks are about what the files hold, and keys do not matter.
func fileAttacks() []Attack {
	return []Attack{
		{"expired timestamp", func(r *Repository) { r.Expires["timestamp"] = At.Add(-time.Second); r.Publish(Trusted()) }},
		{"expired snapshot", func(r *Repository) { r.Expires["snapshot"] = At.Add(-time.Second); r.Publish(Trusted()) }},
		{"expired targets", func(r *Repository) { r.Expires["targets"] = At.Add(-time.Second); r.Publish(Trusted()) }},
		{"expires this second", func(r *Repository) { r.Expires["timestamp"] = At; r.Publish(Trusted()) }},
		{"another trusted root", func(r *Repository) {
			data := Trusted()
			r.Publish(data)
			r.Files[fmt.Sprintf("/targets/%x.trusted_root.json", sha256.Sum256(data))] = bytes.Replace(data, []byte("PKIX_ED25519"),
				[]byte("PKIX_ED25518"), 1)
		}},
		{"longer trusted root", func(r *Repository) {
			data := Trusted()
			r.Publish(data)
			r.Files[fmt.Sprintf("/targets/%x.trusted_root.json", sha256.Sum256(data))] = append(data, ' ')
		}},
		{"hashes in the snapshot", set("snapshot", func(s map[string]any) {
			s["meta"].(map[string]any)["targets.json"].(map[string]any)["hashes"] = map[string]any{"sha256": strings.Repeat("0", 64)}
		})},
		{"hashes that are not known", set("timestamp", func(s map[string]any) {
			s["meta"].(map[string]any)["snapshot.json"].(map[string]any)["hashes"] = map[string]any{"sha3": "00"}
		})},
		{"a trusted root that is none", func(r *Repository) { r.Publish([]byte("{}")) }},
		{"no trusted root", set("targets", func(s map[string]any) { s["targets"] = map[string]any{} })},
		{"another specification", set("targets", func(s map[string]any) { s["spec_version"] = "2.0" })},
		{"a member in another case", set("timestamp", func(s map[string]any) { s["Version"] = 99 })},
		{"a member twice", func(r *Repository) {
			r.Publish(Trusted())
			r.Files["/timestamp.json"] = bytes.Replace(r.Files["/timestamp.json"], []byte(`"signed":{`),
				[]byte(`"signed":{"version":99,`), 1)
		}},
		{"threshold of nothing", func(r *Repository) {
			r.Edit["root"] = func(s map[string]any) { s["roles"].(map[string]any)["targets"].(map[string]any)["threshold"] = 0 }
			r.Root()
		}},
		{"snapshots that are not consistent", func(r *Repository) {
			r.Edit["root"] = func(s map[string]any) { s["consistent_snapshot"] = false }
			r.Root()
		}},
		{"a timestamp without end", func(r *Repository) { r.Files["/timestamp.json"] = bytes.Repeat([]byte(" "), 1<<20) }},
		{"errors of the server", func(r *Repository) { r.Status = http.StatusBadGateway }},
		{"a timestamp that is not there", func(r *Repository) { delete(r.Files, "/timestamp.json") }},
		{"not JSON", func(r *Repository) { r.Files["/timestamp.json"] = []byte("<html>") }},
	}
}

// set publishes a role's file changed.
func set(role string, f func(map[string]any)) func(r *Repository) {
	return func(r *Repository) { r.Edit[role] = f; r.Publish(Trusted()) }
}
