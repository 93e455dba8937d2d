// Package awserror tells the errors of AWS apart, whatever service they are of.
package awserror

import (
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Code returns the code of the service's error, such as AccessDeniedException; empty if err is none.
func Code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// Throttled tells whether the service wants fewer calls, by the list of codes that the SDK itself retries.
func Throttled(err error) bool {
	codes := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}
	return codes.IsErrorThrottle(err) == aws.TrueTernary || status(err) == http.StatusTooManyRequests
}

// Denied tells whether the service does not know the caller, or does not let them do this.
func Denied(err error) bool {
	switch Code(err) {
	case "AccessDeniedException", "AccessDenied", "NotAuthorized", "OptInRequired", "ExpiredTokenException", "ExpiredToken",
		"InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired":
		return true
	}
	s := status(err)
	return s == http.StatusForbidden || s == http.StatusUnauthorized
}

func status(err error) int {
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}
