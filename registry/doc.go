// Package registry attaches evidence to images, in registries and in OCI layout directories, and finds it again.
//
//	repo, err := registry.Open("ghcr.io/acme/app:v1", nil)
//	image, err := repo.Resolve(ctx, "")              // the tag's digest, from here on
//	_, err = repo.Attach(ctx, image, evidence...)    // what a sign.Signer returned
//	for candidate, err := range repo.Evidence(ctx, image) { ... }
//
// [Open] is for registries, [OpenLayout] for a directory that needs no server, [New] for a [Backend] of yours. A
// [Repository] is a source of evidence as package verify asks for it, though neither package knows the other.
//
// # Nothing attached is lost in silence
//
// Content is attached as OCI 1.1 referrers. [Repository.Attach] returns only when the repository lists what it
// attached. Registries without the referrers API, and those that have one and list nothing, get the fallback tag of the
// OCI distribution specification: an index that everybody reads, changes and writes back. Attach merges with what
// others write, keeps their entries byte for byte, sends If-Match where the registry gives an ETag, and reads back
// until its entries stay. There is no lock, so a writer that pauses longer than that between reading and writing can
// still remove them; so can a registry that loses entries of its own list while many attach. [Repository.Repair] puts
// them back.
//
// # Nothing read is trusted
//
// Every byte is checked against its digest before it is passed on; the large blobs of a [Copy], by who stores them. A
// listing is a hint, which anybody with the right to push can write; the manifest decides what is about which subject.
// [Limits] bound everything, and what is over a limit is an error, never a shorter list. A failure to look (401, 403, 5xx, the network) is an error, and so is a missing
// repository; only no API and no tag is "nothing there". None of this verifies a signature: that is for package verify.
// What nobody signed, such as BuildKit's attestations inside an index, is never evidence; [Repository.Claims] reads it.
//
// # Nothing is waited for without end
//
// A registry that neither takes nor sends a byte for 30 seconds (for five minutes, about what is written to it) is
// unavailable; Options.Timeout changes that. How long a call takes in all is for its context to say.
//
// # What it is not for
//
// Building images, or moving them about in general: oras and crane do that. [Copy] is there because it must take along
// everything that hangs on an image.
package registry
