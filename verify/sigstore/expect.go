package sigstore

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// GitHub is a workflow of a repository, at some of its tags or at one branch. It asks for issuer, repository, workflow and ref, each
// from the claim that GitHub makes of the caller: a certificate's name alone is that of a reusable workflow, where one signs, and
// everybody may call it.
//
// In an attacker's hands: whoever may push to the repository writes the workflow at a branch or tag of their own, and all that it
// does; protect the tags and the branch. Whoever opens a pull request from a branch of the repository runs at refs/pull/N/merge, which
// never matches. What they write can reach a run at the default branch through pull_request_target, issue_comment and workflow_run:
// Triggers leave those out. A name is given to somebody else when its owner gives it up, an identifier is not. Whoever runs a
// self-hosted runner has the token of every job on it.
type GitHub struct {
	Repository   string   // owner/name
	RepositoryID string   // number of the repository, which outlives its name; empty: not asked for
	OwnerID      string   // number of the owner; empty: not asked for
	Workflow     string   // file below .github/workflows, such as release.yml
	Tags         string   // tags, with * for any characters but /; either Tags or Branch
	Branch       string   // one branch
	Builder      string   // URL of the reusable workflow that signs, with its ref; * as in Tags; empty: Workflow signs itself
	Triggers     []string // events; nil: push, release, schedule and workflow_dispatch
	SelfHosted   bool     // runners of the owner's are as good as GitHub's
	Issuer       string   // empty: https://token.actions.githubusercontent.com; an enterprise may have its own
	Server       string   // empty: https://github.com
}

// refOf returns the regular expression of a git reference: of tags, by a pattern, or of one branch.
func refOf(tags, branch string) (string, error) {
	switch {
	case (tags == "") == (branch == ""):
		return "", errors.New("sigstore: either tags or a branch")
	case strings.Contains(branch, "*"):
		return "", errors.New("sigstore: one branch, not a pattern: whoever may push makes branches")
	case tags != "":
		return "refs/tags/" + glob(tags), nil
	}
	return "refs/heads/" + regexp.QuoteMeta(branch), nil
}

// Entry returns the Entry of a trust list.
func (g GitHub) Entry(name string) (Entry, error) {
	owner, repo, ok := strings.Cut(g.Repository, "/")
	switch {
	case !ok || owner == "" || repo == "" || strings.ContainsAny(g.Repository, "*?@ ") || strings.Contains(repo, "/"):
		return Entry{}, fmt.Errorf("sigstore: repository %q, not owner/name", g.Repository)
	case g.Workflow == "" || strings.ContainsAny(g.Workflow, "/*@ "):
		return Entry{}, fmt.Errorf("sigstore: workflow %q, not the name of a file in .github/workflows", g.Workflow)
	}
	ref, err := refOf(g.Tags, g.Branch)
	if err != nil {
		return Entry{}, err
	}
	server := cmp.Or(g.Server, "https://github.com")
	repository := server + "/" + g.Repository
	workflow := Matching(regexp.QuoteMeta(repository+"/.github/workflows/"+g.Workflow+"@") + ref)
	e := Entry{
		Name: name, URI: workflow, Issuer: Exactly(cmp.Or(g.Issuer, "https://token.actions.githubusercontent.com")),
		Claims: map[Claim]Pattern{
			SourceRepositoryURI: Exactly(repository),
			SourceRepositoryRef: Matching(ref),
			BuildConfigURI:      workflow,
			BuildTrigger:        oneOf(g.Triggers, "push", "release", "schedule", "workflow_dispatch"),
			RunnerEnvironment:   Exactly("github-hosted"),
		},
	}
	if g.Builder != "" {
		e.URI = Matching(glob(g.Builder))
	}
	e.Claims[BuildSignerURI] = e.URI
	if g.SelfHosted {
		e.Claims[RunnerEnvironment] = oneOf(nil, "github-hosted", "self-hosted")
	}
	if g.RepositoryID != "" {
		e.Claims[SourceRepositoryIdentifier] = Exactly(g.RepositoryID)
	}
	if g.OwnerID != "" {
		e.Claims[SourceRepositoryOwnerIdentifier] = Exactly(g.OwnerID)
	}
	return e, nil
}

// oneOf matches any of texts, or of others if there is none.
func oneOf(texts []string, others ...string) Pattern {
	if texts == nil {
		texts = others
	}
	var quoted []string
	for _, t := range texts {
		quoted = append(quoted, regexp.QuoteMeta(t))
	}
	return Matching(strings.Join(quoted, "|"))
}

// glob returns the expression of a text in which * stands for any characters but /, @ and space.
func glob(text string) string {
	parts := strings.Split(text, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return strings.Join(parts, `[^/@\s]*`)
}

// GitLab is a project's pipeline, at some of its tags or at one branch.
//
// In an attacker's hands: whoever may push to the project writes .gitlab-ci.yml at a branch or tag of their own; protect the tags and the
// branch. Whoever runs a runner of the project's own has the token of every job on it. Includes from other projects run as this one.
type GitLab struct {
	Project string // path with all groups, such as group/project
	Tags    string // tags, with * for any characters but /; either Tags or Branch
	Branch  string // one branch
	Config  string // file of the pipeline; empty: .gitlab-ci.yml
	Server  string // and issuer; empty: https://gitlab.com
}

// Entry returns the Entry of a trust list.
func (g GitLab) Entry(name string) (Entry, error) {
	switch {
	case !strings.Contains(strings.Trim(g.Project, "/"), "/") || strings.ContainsAny(g.Project, "*?@ ") ||
		strings.Contains(g.Project, "//"):
		return Entry{}, fmt.Errorf("sigstore: project %q, not group/project", g.Project)
	}
	ref, err := refOf(g.Tags, g.Branch)
	if err != nil {
		return Entry{}, err
	}
	server := cmp.Or(g.Server, "https://gitlab.com")
	project := server + "/" + strings.Trim(g.Project, "/")
	return Entry{
		Name: name, Issuer: Exactly(server),
		URI:    Matching(regexp.QuoteMeta(project+"//"+cmp.Or(g.Config, ".gitlab-ci.yml")+"@") + ref),
		Claims: map[Claim]Pattern{SourceRepositoryURI: Exactly(project)},
	}, nil
}

// KubernetesServiceAccount returns the Entry of a service account in one cluster, of which issuer is the URL that its tokens name.
//
// In an attacker's hands: everybody who may start a pod in the namespace, or ask for tokens there, has the account. The name says
// nothing of the cluster: the issuer, compared exactly, does.
func KubernetesServiceAccount(name, issuer, namespace, account string) (Entry, error) {
	if err := plain("issuer", issuer, "namespace", namespace, "service account", account); err != nil {
		return Entry{}, err
	}
	if strings.Contains(namespace+account, "/") {
		return Entry{}, errors.New("sigstore: a namespace and a service account are names, without /")
	}
	return Entry{Name: name, Issuer: Exactly(issuer),
		URI: Exactly("https://kubernetes.io/namespaces/" + namespace + "/serviceaccounts/" + account)}, nil
}

// GoogleServiceAccount returns the Entry of a service account of Google Cloud, such as builder@project.iam.gserviceaccount.com.
//
// In an attacker's hands: everybody who may act as the account, and every machine that runs as it. An account that was deleted may be
// made anew under its name by whoever owns the project.
func GoogleServiceAccount(name, email string) (Entry, error) {
	if !strings.HasSuffix(email, ".gserviceaccount.com") {
		return Entry{}, fmt.Errorf("sigstore: %q is not the address of a service account", email)
	}
	return Person(name, "https://accounts.google.com", email)
}

// Person returns the Entry of somebody with an e-mail address at a provider, such as https://accounts.google.com or
// https://github.com/login/oauth.
//
// In an attacker's hands: whoever reads the person's mail or has a session of theirs. Another provider may give the same address to
// somebody else: the issuer, compared exactly, keeps those out.
func Person(name, issuer, email string) (Entry, error) {
	if err := plain("issuer", issuer, "e-mail address", email); err != nil {
		return Entry{}, err
	}
	if strings.Count(email, "@") != 1 {
		return Entry{}, fmt.Errorf("sigstore: %q is not an e-mail address", email)
	}
	return Entry{Name: name, Issuer: Exactly(issuer), Email: Exactly(email)}, nil
}

// SPIFFE returns the Entry of one SPIFFE ID, such as spiffe://example.org/ci/release, in a private instance whose provider is issuer.
//
// In an attacker's hands: every workload that the trust domain's server attests so, and the server. The public instance issues no such
// certificate: who may is a matter of the instance's configuration.
func SPIFFE(name, issuer, id string) (Entry, error) {
	if err := plain("issuer", issuer, "SPIFFE ID", id); err != nil {
		return Entry{}, err
	}
	rest, ok := strings.CutPrefix(id, "spiffe://")
	if domain, path, _ := strings.Cut(rest, "/"); !ok || domain == "" || path == "" {
		return Entry{}, fmt.Errorf("sigstore: %q is not a SPIFFE ID", id)
	}
	return Entry{Name: name, Issuer: Exactly(issuer), URI: Exactly(id)}, nil
}

// plain refuses values that are empty or look as if they were patterns; they come in pairs with what they are.
func plain(pairs ...string) error {
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" || strings.ContainsAny(pair[1], "*\\^$ ") {
			return fmt.Errorf("sigstore: %s %q, not one name", pair[0], pair[1])
		}
	}
	return nil
}
