// Package deploy judges the templates of examples/ecs-gate/deploy by other people's schemas and parsers.
package deploy
