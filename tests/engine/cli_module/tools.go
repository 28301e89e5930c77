//go:build tools

// Package tools names the command that `make engine` builds.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
