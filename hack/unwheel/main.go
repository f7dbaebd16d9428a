// Command unwheel takes one program out of a wheel: it is how uv, which is
// published as one, gets into the frontend's image.
//
//	unwheel WHEEL NAME DESTINATION
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: unwheel WHEEL NAME DESTINATION")
		os.Exit(2)
	}
	if err := extract(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "unwheel:", err)
		os.Exit(1)
	}
}

func extract(wheel, name, destination string) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".data/scripts/"+name) {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(destination, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		return out.Close()
	}
	return fmt.Errorf("%s has no program %s", wheel, name)
}
