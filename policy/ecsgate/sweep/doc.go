// Package sweep tells what runs in an AWS account, by which decision, and what came around the gate.
package sweep
