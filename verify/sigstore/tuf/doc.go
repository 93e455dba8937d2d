// Package tuf brings trusted roots of Sigstore instances over TUF (The Update Framework, specification 1.0), and keeps them. It is
// offline first: what was verified last serves for a while, and at first what is embedded. Nothing here asks the network but
// [Client.Refresh].
//
//	client := &tuf.Client{Dir: "/var/lib/gate"}
//	roots, err := client.Refresh(ctx) // at a time of your choosing, such as once a day
//	if err != nil {
//		return err // no roots that may still be used
//	}
//	if roots.Problem != nil {
//		log.Print(roots.Problem) // the repository is away, or wrong: these are the roots of roots.Date
//	}
//	v, err := sigstore.New(roots.Root, trust, nil)
//
// A program that runs for longer than roots do gives its gate a [Verifier], which takes those that its Client refreshed meanwhile.
//
// # How old roots may be
//
// Roots serve for [Client.MaxAge] after the last refresh, whatever the metadata says of when it expires: a timestamp lives for seven
// days, and a gate must outlive a week without its network. Embedded roots that were never refreshed serve without end, unless
// [Client.RequireRefresh] is set. How old they are stands in the checks of each attestation and in each refusal that they decide, as
// "roots of DATE". A Root that has become too old proves nothing any more, in a Verifier that was made before too.
//
// # What a refresh proves
//
// It follows root.json from the version that it has to the newest, each signed by enough keys of the one before and its own. That those
// on the way have expired is no matter, for a program is older than the root that it embeds lives: the last of them must be current.
// Then timestamp, snapshot and targets, each signed, current and not older than what was there, and trusted_root.json by its hash.
// Versions never go back, except where a root takes the online keys from whoever had them: versions that they signed count no more
// (section 5.3.11). Delegated targets are not read.
//
// What fails changes nothing but the root that is known: the roots of before serve on, and [Roots.Problem] says why.
//
// # Who signs
//
// [Roots.SigningConfig] says where the instance's services are. What is embedded has it; a client that is Signing refreshes it too:
//
//	instance, err := keyless.ParseInstance(roots.JSON, roots.SigningConfig)
//
// # Why a client of its own
//
// The well-kept library, github.com/theupdateframework/go-tuf/v2, compiles 80,169 lines in 12 modules (v2.4.2) for a profile of TUF
// that takes this package's few hundred: one chain of roots, three roles, two targets, consistent snapshots. It ties what it serves to
// the metadata's expiry and the network, which is what gates must not be. It judges this package: internal/interop/tuf gives both the
// same repositories, whole and damaged, and there is none that this client takes and it does not.
package tuf
