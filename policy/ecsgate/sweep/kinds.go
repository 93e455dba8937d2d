package sweep

// A Kind says what a finding is about.
type Kind string

// The kinds of findings.
const (
	Denied         Kind = "denied"
	Undecided      Kind = "undecided"
	UnknownDigest  Kind = "unknown-digest"
	ByTag          Kind = "by-tag"
	NotGated       Kind = "not-gated"
	HookMissing    Kind = "hook-missing"
	HookOpen       Kind = "hook-open"
	HookUncalled   Kind = "hook-uncalled"
	Exec           Kind = "exec"
	ConsistencyOff Kind = "consistency-off"
	Override       Kind = "override"
	OtherCode      Kind = "other-code"
	DigestDiffers  Kind = "digest-differs"
	Unreadable     Kind = "unreadable"
)

var kinds = []struct {
	Kind
	about string
}{
	{Denied, "an image runs, or is set to run, that the policy refuses"},
	{Undecided, "an image whose evidence could not be judged: neither allowed nor refused"},
	{UnknownDigest, "an image whose digest nobody tells: named by a tag, and not reported by what runs it"},
	{ByTag, "an image that is allowed now, and is named by a tag: what runs next may be another one"},
	{DigestDiffers, "what runs is not what the definition names by digest"},
	{NotGated, "a task definition that the registrar did not make: its family is none of the gated ones"},
	{HookMissing, "a service without the gate's hook before its tasks start"},
	{HookOpen, "a hook that lets a deployment go on when it is not answered (timeout action CONTINUE)"},
	{HookUncalled, "a service whose deployments ask no hook: its controller is CODE_DEPLOY or EXTERNAL"},
	{Exec, "a service or task that allows ExecuteCommand: a shell in an allowed image is any code"},
	{ConsistencyOff, "a container whose tag is looked up anew for every task (versionConsistency disabled)"},
	{Override, "a task that was started with another command, environment or role than its definition has"},
	{OtherCode, "a definition that brings code beside the image: a volume, a command, variables from S3"},
	{Unreadable, "something that could not be looked at: said here, and in the exit status"},
}

// Kinds returns all kinds, the worst first.
func Kinds() (list []Kind) {
	for _, k := range kinds {
		list = append(list, k.Kind)
	}
	return list
}

// About says what a finding of the kind tells, in one sentence.
func (k Kind) About() string {
	for _, known := range kinds {
		if known.Kind == k {
			return known.about
		}
	}
	return ""
}
