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
// Content is attached as OCI 1.1 referrers. [Repository.Attach] returns when the repository has the manifests and lists them.
// Registries without the referrers API, or whose API lists nothing, get the fallback tag of the OCI distribution specification: an
// index that every writer reads, changes and writes back. Attach merges its entries with those of other writers, keeps theirs byte
// for byte, checks the index against the registry's digest, sends If-Match where the registry gives an ETag, and reads back until
// its entries stay. There is no lock: a writer that pauses longer than that between reading and writing can still remove entries.
// So can a registry that loses entries of its own list while many clients attach, or that collects as garbage the manifests that
// only a fallback tag names. [Repository.Repair] puts them back.
//
// [Repository.AttachEach] attaches to an index and to each of its images in one call.
//
// Evidence piles up, because each signature differs. [Repository.Replace] and [Repository.Prune] remove what the caller
// has proven to be outdated.
//
// # "None" is not said without looking
//
// A failure to look (401, 403, 5xx, the network) is an error, and so is a missing repository. A repository that has
// listed before, or has confirmed a subject, has the referrers API: any other answer is an error from then on, for as
// long as the Repository lives or, with a [Cache], for 24 hours. At first contact 404 means that there is no API, and
// so do 400, 405, 406, 501, a web page and GitHub's redirect to one, which some registries send; another redirect to a
// page is an error. Then the fallback tag counts, and where that is not there either, the registry has to show that it
// does not answer 404 to everything. [Copy], which would leave behind what is not listed, takes only 404 or GitHub's
// redirect for an answer unless it finds a fallback tag. Registries do lose an API, when they are moved or set back to
// an older version: [Repository.Forget].
//
// # Nothing read is trusted
//
// Every byte is checked against its digest. A listing is a hint, since everyone with push rights can write it; the manifest decides
// which subject it is about, and whether it holds evidence. [Limits] bound all reads, and exceeding one is an error, never a shorter
// list. Package verify verifies signatures; this package does not. Unsigned content, such as BuildKit's attestations inside an
// index, is never evidence; [Repository.Claims] reads it.
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
