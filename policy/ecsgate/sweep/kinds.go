package sweep

// A Kind says what a finding is about.
type Kind string

// The kinds of findings, the worst first. Kind.About says what each tells.
const (
	Denied         Kind = "denied"
	DigestDiffers  Kind = "digest-differs"
	UnknownDigest  Kind = "unknown-digest"
	NotGated       Kind = "not-gated"
	Unmarked       Kind = "unmarked"
	HookMissing    Kind = "hook-missing"
	HookOpen       Kind = "hook-open"
	Undecided      Kind = "undecided"
	Unreadable     Kind = "unreadable"
	HookUncalled   Kind = "hook-uncalled"
	Override       Kind = "override"
	Exec           Kind = "exec"
	ConsistencyOff Kind = "consistency-off"
	OtherCode      Kind = "other-code"
	ByTag          Kind = "by-tag"
)

// A Level is how much a finding weighs.
type Level string

// Levels.
const (
	Problem    Level = "problem"    // it should not run, or came around the gate
	Incomplete Level = "incomplete" // it could not be looked at or judged
	Warning    Level = "warning"    // it is worth to know
)

var kinds = []struct {
	Kind
	level Level
	about string
}{
	{Denied, Problem, "an image runs, or is set to run, that the policy refuses"},
	{DigestDiffers, Problem, "what runs is neither what the definition names by digest nor an image of that index"},
	{UnknownDigest, Problem, "a container that runs, and nobody tells by which digest: named by a tag, and not reported by its host"},
	{NotGated, Problem, "a task definition that the registrar did not make: its family is none of the gated ones"},
	{
		Unmarked, Problem, "a task definition of a gated family without the registrar's label: made before there was " +
			"a registrar, or by somebody else",
	},
	{
		HookMissing, Problem, "a service that runs a definition which the registrar did not make, without the gate's " +
			"hook before its tasks start",
	},
	{HookOpen, Problem, "a service whose hook lets a deployment go on when nobody answers (timeout action CONTINUE)"},
	{Undecided, Incomplete, "an image whose evidence could not be judged: neither allowed nor refused"},
	{Unreadable, Incomplete, "something that could not be looked at"},
	{
		HookUncalled, Warning, "a service whose deployments ask no hook (controller CODE_DEPLOY or EXTERNAL), though the " +
			"registrar made what it runs",
	},
	{Override, Warning, "a task that was started with another command, environment or role than its definition has"},
	{Exec, Warning, "a service, task or daemon that allows ExecuteCommand: a shell in an allowed image is any code"},
	{ConsistencyOff, Warning, "a container whose tag is looked up anew for every task (versionConsistency disabled)"},
	{
		OtherCode, Warning, "code beside the image: a volume that hides the image's files, variables or configuration " +
			"from S3, a build from sources",
	},
	{ByTag, Warning, "an image that is named by a tag: what runs next may be another one"},
}

// Kinds returns all kinds, the worst first.
func Kinds() (list []Kind) {
	for _, k := range kinds {
		list = append(list, k.Kind)
	}
	return list
}

// rank is a kind's place among Kinds.
func (k Kind) rank() int {
	for i, known := range kinds {
		if known.Kind == k {
			return i
		}
	}
	return len(kinds)
}

// About says what a finding of the kind tells, in one sentence.
func (k Kind) About() string {
	if i := k.rank(); i < len(kinds) {
		return kinds[i].about
	}
	return ""
}

// Level says how much a finding of the kind weighs; of an unknown kind, that it could not be judged.
func (k Kind) Level() Level {
	if i := k.rank(); i < len(kinds) {
		return kinds[i].level
	}
	return Incomplete
}
