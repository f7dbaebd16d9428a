// Command pyfrontend-step runs inside the execs of a build. It has no version
// stamp on purpose: its content is part of the cache key of every exec.
package main

import (
	"os"

	"github.com/pyfrontend/pyfrontend/llbgen/step"
)

func main() {
	os.Exit(step.Main(os.Args[1:], os.Stdout, os.Stderr))
}
