// Package lambda measures how long a gate's function takes to start and to decide, in AWS's own emulator of the Lambda runtime.
package lambda
