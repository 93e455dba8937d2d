package provenance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The build types of facts that are gathered here: see the package comment.
const (
	BuildTypeGitHub    = "https://actions.github.io/buildtypes/workflow/v1"
	BuildTypeGitLab    = "https://github.com/ladingdev/lading/sign/provenance/gitlab/v1"
	BuildTypeCodeBuild = "https://github.com/ladingdev/lading/sign/provenance/codebuild/v1"
	BuildTypeLocal     = "https://github.com/ladingdev/lading/sign/provenance/local/v1"
)

// LocalBuilder is the builder of [BuildTypeLocal]: somebody's machine.
const LocalBuilder = "https://github.com/ladingdev/lading/sign/provenance/local"

// A Lookup gives a variable of the build's environment, such as [os.LookupEnv].
type Lookup func(name string) (value string, ok bool)

func (l Lookup) get(name string) string {
	value, _ := l(name)
	return value
}

// missing returns an error that names the variables that are not set.
func (l Lookup) missing(names ...string) error {
	var absent []string
	for _, name := range names {
		if l.get(name) == "" {
			absent = append(absent, name)
		}
	}
	if absent == nil {
		return nil
	}
	return fmt.Errorf("provenance: %w: %s not set", ErrIncomplete, strings.Join(absent, ", "))
}

// FromCI gathers the facts of the service that lookup's variables tell of: AWS CodeBuild (also as a step of
// CodePipeline), GitHub Actions or GitLab CI. It fails with [ErrNoFacts] if they tell of none, or of more than one, and
// with [ErrIncomplete] if a variable is missing that the service always sets.
func FromCI(lookup Lookup) (*Provenance, error) {
	var found []func(Lookup) (*Provenance, error)
	if lookup.get("CODEBUILD_BUILD_ARN") != "" {
		found = append(found, fromCodeBuild)
	}
	if lookup.get("GITHUB_ACTIONS") == "true" {
		found = append(found, fromGitHub)
	}
	if lookup.get("GITLAB_CI") == "true" {
		found = append(found, fromGitLab)
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("provenance: %w: no variables of CodeBuild, GitHub Actions or GitLab CI", ErrNoFacts)
	case 1:
		return found[0](lookup)
	}
	return nil, fmt.Errorf("provenance: %w: variables of more than one CI service", ErrNoFacts)
}

func fromGitHub(env Lookup) (*Provenance, error) {
	if err := env.missing("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_SHA", "GITHUB_WORKFLOW_REF", "GITHUB_RUN_ID",
		"GITHUB_RUN_ATTEMPT"); err != nil {
		return nil, err
	}
	repository := env.get("GITHUB_SERVER_URL") + "/" + env.get("GITHUB_REPOSITORY")
	// owner/repository/.github/workflows/release.yml@refs/heads/main
	file, ref, _ := strings.Cut(env.get("GITHUB_WORKFLOW_REF"), "@")
	workflow := strings.TrimPrefix(file, env.get("GITHUB_REPOSITORY")+"/")
	source, err := gitSource(repository, env.get("GITHUB_REF"), env.get("GITHUB_SHA"))
	if err != nil {
		return nil, err
	}
	p := &Provenance{
		BuildType: BuildTypeGitHub,
		ExternalParameters: map[string]any{
			"workflow": map[string]any{"ref": ref, "repository": repository, "path": workflow},
		},
		ResolvedDependencies: []Resource{source},
		// A runner that the repository's owner hosts is another builder, and GitHub vouches for none of its steps.
		BuilderID:    "https://github.com/actions/runner/" + or(env.get("RUNNER_ENVIRONMENT"), "self-hosted"),
		InvocationID: repository + "/actions/runs/" + env.get("GITHUB_RUN_ID") + "/attempts/" + env.get("GITHUB_RUN_ATTEMPT"),
	}
	internal := map[string]any{}
	for field, name := range map[string]string{
		"event_name": "GITHUB_EVENT_NAME", "repository_id": "GITHUB_REPOSITORY_ID",
		"repository_owner_id": "GITHUB_REPOSITORY_OWNER_ID", "runner_environment": "RUNNER_ENVIRONMENT",
	} {
		set(internal, field, env.get(name))
	}
	if len(internal) > 0 {
		p.InternalParameters = map[string]any{"github": internal}
	}
	return p, nil
}

func fromGitLab(env Lookup) (*Provenance, error) {
	if err := env.missing("CI_PROJECT_URL", "CI_COMMIT_SHA", "CI_JOB_NAME", "CI_JOB_URL", "CI_RUNNER_ID"); err != nil {
		return nil, err
	}
	project := env.get("CI_PROJECT_URL")
	ref := env.get("CI_COMMIT_REF_NAME")
	source, err := gitSource(project, ref, env.get("CI_COMMIT_SHA"))
	if err != nil {
		return nil, err
	}
	p := &Provenance{
		BuildType:            BuildTypeGitLab,
		ExternalParameters:   map[string]any{"source": source.URI, "entryPoint": env.get("CI_JOB_NAME")},
		InternalParameters:   map[string]any{"runner": env.get("CI_RUNNER_ID")},
		ResolvedDependencies: []Resource{source},
		BuilderID:            project + "/-/runners/" + env.get("CI_RUNNER_ID"),
		InvocationID:         env.get("CI_JOB_URL"),
	}
	set(p.ExternalParameters, "ref", ref)
	set(p.ExternalParameters, "trigger", env.get("CI_PIPELINE_SOURCE"))
	set(p.InternalParameters, "project", env.get("CI_PROJECT_ID"))
	if v := env.get("CI_RUNNER_VERSION"); v != "" {
		p.BuilderVersion = map[string]string{"gitlab-runner": v}
	}
	if p.StartedOn, err = moment(time.RFC3339, env.get("CI_JOB_STARTED_AT")); err != nil {
		return nil, fmt.Errorf("provenance: %w: CI_JOB_STARTED_AT: %w", ErrMalformed, err)
	}
	return p, nil
}

// arn:PARTITION:codebuild:REGION:ACCOUNT:build/PROJECT:ID
var buildARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^arn:([a-z0-9-]+):codebuild:([a-z0-9-]+):([0-9]{12}):build/([^:/]+):([^:/]+)$`)
})

func fromCodeBuild(env Lookup) (*Provenance, error) {
	arn := env.get("CODEBUILD_BUILD_ARN")
	parts := buildARN().FindStringSubmatch(arn)
	if parts == nil {
		return nil, fmt.Errorf("provenance: %w: CODEBUILD_BUILD_ARN is %.100q", ErrMalformed, arn)
	}
	project := "arn:" + parts[1] + ":codebuild:" + parts[2] + ":" + parts[3] + ":project/" + parts[4]
	p := &Provenance{
		BuildType:          BuildTypeCodeBuild,
		ExternalParameters: map[string]any{},
		InternalParameters: map[string]any{"region": parts[2]},
		BuilderID:          project,
		InvocationID:       arn,
	}
	repository, version := env.get("CODEBUILD_SOURCE_REPO_URL"), env.get("CODEBUILD_SOURCE_VERSION")
	resolved := env.get("CODEBUILD_RESOLVED_SOURCE_VERSION")
	switch {
	case repository == "" && resolved == "":
		// A project without a source.
	case gitCommit().MatchString(resolved) && repository != "":
		source, err := gitSource(repository, ref(version), resolved)
		if err != nil {
			return nil, err
		}
		p.ResolvedDependencies = []Resource{source}
		p.ExternalParameters["source"] = source.URI
	case gitCommit().MatchString(resolved):
		// CodePipeline hands over a copy in S3 and tells the commit, not where it lies.
		p.ResolvedDependencies = []Resource{{Name: "source", Digest: map[string]string{"gitCommit": resolved}}}
	default:
		where, err := withoutSecrets(or(repository, version))
		if err != nil {
			return nil, err
		}
		res := Resource{Name: "source", URI: where}
		if resolved != "" {
			res.Annotations = map[string]any{"version": resolved}
		}
		p.ResolvedDependencies = []Resource{res}
		p.ExternalParameters["source"] = where
	}
	set(p.ExternalParameters, "ref", version)
	set(p.ExternalParameters, "initiator", env.get("CODEBUILD_INITIATOR"))
	set(p.ExternalParameters, "buildspec", env.get("CODEBUILD_BUILDSPEC"))
	set(p.ExternalParameters, "pipelineExecution", env.get("CODEPIPELINE_EXECUTION_ID"))
	set(p.InternalParameters, "image", env.get("CODEBUILD_BUILD_IMAGE"))
	if start := env.get("CODEBUILD_START_TIME"); start != "" {
		ms, err := strconv.ParseInt(start, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("provenance: %w: CODEBUILD_START_TIME: %w", ErrMalformed, err)
		}
		p.StartedOn = time.UnixMilli(ms).UTC()
	}
	return p, nil
}

// ref leaves out a version that is itself a commit, or the ARN of a copy.
func ref(version string) string {
	if gitCommit().MatchString(version) || strings.HasPrefix(version, "arn:") {
		return ""
	}
	return version
}

func moment(layout, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(layout, text)
	return t.UTC(), err
}

func set(m map[string]any, name, value string) {
	if value != "" {
		m[name] = value
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

var gitCommit = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
})

// gitSource describes a commit in a repository.
func gitSource(repository, ref, commit string) (Resource, error) {
	if !gitCommit().MatchString(commit) {
		return Resource{}, fmt.Errorf("provenance: %w: %.80q is no git commit", ErrMalformed, commit)
	}
	repository, err := withoutSecrets(repository)
	if err != nil {
		return Resource{}, err
	}
	uri := repository
	if !strings.HasPrefix(uri, "git+") {
		uri = "git+" + uri
	}
	if ref != "" {
		uri += "@" + ref
	}
	return Resource{URI: uri, Digest: map[string]string{"gitCommit": commit}}, nil
}

// withoutSecrets drops user names, passwords and queries: provenance is for everybody to read.
func withoutSecrets(repository string) (string, error) {
	// git's short form, user@host:path
	if host, file, ok := strings.Cut(repository, ":"); ok && !strings.Contains(host, "/") && !strings.HasPrefix(file, "//") &&
		host != "arn" {
		_, after, found := strings.Cut(host, "@")
		if found {
			host = after
		}
		return "ssh://" + host + "/" + strings.TrimPrefix(file, "/"), nil
	}
	u, err := url.Parse(repository)
	if err != nil {
		return "", fmt.Errorf("provenance: %w: source repository is no URL", ErrMalformed) // which may hold a password
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String(), nil
}

// FromGit gathers what the git checkout in fsys tells of itself, such as os.DirFS("."): its commit, branch and the URL
// of the remote "origin", without passwords. It runs no git, does not look for the checkout in parent directories, and
// does not see changes that were not committed: who signs it says that what was built is that commit, so make sure of it, or take
// the commit of a Go program from its build information (vcs.revision, and only where vcs.modified is false). It fails
// with [ErrNoFacts] where there is no commit.
func FromGit(fsys fs.FS) (*Provenance, error) {
	head, err := firstLine(fsys, ".git/HEAD")
	if err != nil {
		return nil, fmt.Errorf("provenance: %w: %w", ErrNoFacts, err)
	}
	commit := head
	branch, symbolic := strings.CutPrefix(head, "ref: ")
	if symbolic {
		if commit, err = resolveRef(fsys, branch); err != nil {
			return nil, fmt.Errorf("provenance: %w: %w", ErrNoFacts, err)
		}
	}
	origin, err := originURL(fsys)
	if err != nil {
		return nil, err
	}
	res := Resource{Name: "source", Digest: map[string]string{"gitCommit": commit}}
	if !gitCommit().MatchString(commit) {
		return nil, fmt.Errorf("provenance: %w: HEAD is %.80q", ErrMalformed, commit)
	}
	if origin != "" {
		if res, err = gitSource(origin, branchOnly(symbolic, branch), commit); err != nil {
			return nil, err
		}
	}
	p := &Provenance{
		BuildType:            BuildTypeLocal,
		ExternalParameters:   map[string]any{},
		ResolvedDependencies: []Resource{res},
		BuilderID:            LocalBuilder,
	}
	set(p.ExternalParameters, "source", res.URI)
	set(p.ExternalParameters, "ref", branchOnly(symbolic, branch))
	return p, nil
}

func branchOnly(symbolic bool, branch string) string {
	if symbolic {
		return branch
	}
	return ""
}

const maxGitFile = 4 << 20

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxGitFile+1))
	if err == nil && len(data) > maxGitFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxGitFile)
	}
	return data, err
}

func firstLine(fsys fs.FS, name string) (string, error) {
	data, err := readFile(fsys, name)
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(line), err
}

func resolveRef(fsys fs.FS, ref string) (string, error) {
	name := path.Join(".git", ref)
	if !fs.ValidPath(name) || !strings.HasPrefix(name, ".git/refs/") {
		return "", fmt.Errorf("HEAD points to %.80q", ref)
	}
	if commit, err := firstLine(fsys, name); err == nil {
		return commit, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	packed, err := readFile(fsys, ".git/packed-refs")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	lines := bufio.NewScanner(bytes.NewReader(packed))
	for lines.Scan() {
		if commit, found := strings.CutSuffix(lines.Text(), " "+ref); found {
			return commit, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%.80q has no commit yet", ref)
}

func originURL(fsys fs.FS) (string, error) {
	data, err := readFile(fsys, ".git/config")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("provenance: %w", err)
	}
	inside := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == `[remote "origin"]`
			continue
		}
		if key, value, ok := strings.Cut(line, "="); inside && ok && strings.EqualFold(strings.TrimSpace(key), "url") {
			return strings.Trim(strings.TrimSpace(value), `"`), nil
		}
	}
	return "", nil
}
