package deploy

import "testing"

// The stack of the pipeline is what CloudFormation's schemas say too, and the judge refuses what is wrong in it.
func TestPipelineStack(t *testing.T) {
	for name, value := range map[string]string{"Connection": "arn:aws:codeconnections:eu-west-1:111122223333:connection/" +
		"0a1b2c3d-1234-5678-9abc-def012345678",
		"Source": "acme/app", "Repository": "app", "SigningProfile": profile} {
		given[name] = value
		defer delete(given, name)
	}
	c := readTemplate(t, "../../../examples/pipeline/ci/codepipeline.yaml")
	c.check(t)
	for kind, change := range map[string]func(properties map[string]any){
		"AWS::CodePipeline::Pipeline": func(p map[string]any) { p["PipelineType"] = "V3" },
		"AWS::CodeBuild::Project":     func(p map[string]any) { delete(p, "ServiceRole") },
	} {
		for _, r := range c.resources {
			if r["Type"] != kind {
				continue
			}
			if change(r["Properties"].(map[string]any)); c.schemas[kind].judge.Validate(r["Properties"]) == nil {
				t.Errorf("%s: what is wrong is not seen", kind)
			}
		}
	}
}
