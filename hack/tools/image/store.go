package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// refName is the annotation by which an OCI layout names its entries.
const refName = "org.opencontainers.image.ref.name"

func addCommand(dir, reference string, flags []string) error {
	index, err := assemble(flags)
	if err != nil {
		return err
	}
	path, err := layout.FromPath(dir)
	if os.IsNotExist(err) {
		path, err = layout.Write(dir, empty.Index)
	}
	if err != nil {
		return err
	}
	return path.ReplaceIndex(index, match.Name(reference),
		layout.WithAnnotations(map[string]string{refName: reference}))
}

func syncCommand(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("sync needs a layout and a registry\n%s", usage)
	}
	dir, host := filepath.Clean(args[0]), args[1]
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return err
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		return err
	}
	for _, descriptor := range manifest.Manifests {
		reference, err := name.ParseReference(host+"/"+descriptor.Annotations[refName], name.Insecure)
		if err != nil {
			return err
		}
		if present, err := remote.Head(reference); err == nil && present.Digest == descriptor.Digest {
			continue
		}
		index, err := root.ImageIndex(descriptor.Digest)
		if err != nil {
			return err
		}
		if err := pushIndex(reference, index); err != nil {
			return err
		}
	}
	return nil
}

func pushCommand(target string, flags []string) error {
	reference, err := name.ParseReference(target, name.Insecure)
	if err != nil {
		return err
	}
	index, err := assemble(flags)
	if err != nil {
		return err
	}
	return pushIndex(reference, index)
}

func pushIndex(reference name.Reference, index v1.ImageIndex) error {
	if err := remote.WriteIndex(reference, index, remote.WithJobs(4)); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s@%s\n", reference, digest)
	return nil
}
