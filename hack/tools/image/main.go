// Command image assembles container images from local directories without a
// build and keeps them in an OCI layout or pushes them to a registry. It is
// how the development stack gets its base images where no image registry can
// be reached, and how a freshly compiled frontend gets into the local registry
// in a second or two.
package main

import (
	"fmt"
	"os"
)

const usage = `usage:
  image layer -o FILE.tar.gz DIR[:PREFIX]...
  image add LAYOUT NAME FLAGS...     assemble NAME into an OCI layout
  image sync LAYOUT HOST             push what HOST does not have yet
  image push REF FLAGS...            assemble and push

FLAGS before the first -platform hold for every platform, those after it for
that one only:
  -platform OS/ARCH[/VARIANT]
  -layer FILE.tar.gz|DIR[:PREFIX]    DIR becomes a layer rooted at PREFIX
  -env NAME=VALUE  -label NAME=VALUE  -annotation NAME=VALUE
  -entrypoint ARG  -cmd ARG          repeated, one argument each
  -user USER  -workdir DIR

FLAG values may contain {os}, {arch} and {platform}.
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("too few arguments\n%s", usage)
	}
	command, args := args[0], args[1:]
	switch command {
	case "layer":
		return layerCommand(args)
	case "add":
		return addCommand(args[0], args[1], args[2:])
	case "sync":
		return syncCommand(args)
	case "push":
		return pushCommand(args[0], args[1:])
	}
	return fmt.Errorf("no such command: %s\n%s", command, usage)
}
