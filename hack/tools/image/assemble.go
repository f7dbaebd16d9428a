package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

type option struct{ name, value string }

// variant is one platform of an image with all the options that apply to it.
type variant struct {
	platform *v1.Platform
	options  []option
}

func parseVariants(args []string) ([]variant, error) {
	var common []option
	var variants []variant
	for len(args) > 0 {
		name := strings.TrimLeft(args[0], "-")
		if name == args[0] || len(args) < 2 {
			return nil, fmt.Errorf("expected -FLAG VALUE at %q\n%s", args[0], usage)
		}
		value := args[1]
		args = args[2:]
		switch {
		case name == "platform":
			platform, err := v1.ParsePlatform(value)
			if err != nil {
				return nil, err
			}
			variants = append(variants, variant{platform: platform, options: append([]option(nil), common...)})
		case len(variants) == 0:
			common = append(common, option{name, value})
		default:
			last := &variants[len(variants)-1]
			last.options = append(last.options, option{name, value})
		}
	}
	if len(variants) == 0 {
		return nil, fmt.Errorf("no -platform given\n%s", usage)
	}
	return variants, nil
}

// assemble makes an index even for one platform, as the public base images do.
func assemble(args []string) (v1.ImageIndex, error) {
	variants, err := parseVariants(args)
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, variant := range variants {
		image, err := variant.image()
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        plainImage{image},
			Descriptor: v1.Descriptor{Platform: variant.platform},
		})
	}
	return index, nil
}

// plainImage keeps the library from writing an artifactType beside the image in
// its index, which no builder of images does.
type plainImage struct{ v1.Image }

// ArtifactType is what the library looks for first.
func (plainImage) ArtifactType() (string, error) { return "", nil }

func (v variant) image() (v1.Image, error) {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	file := &v1.ConfigFile{
		OS:           v.platform.OS,
		Architecture: v.platform.Architecture,
		Variant:      v.platform.Variant,
		Created:      v1.Time{Time: epoch},
		RootFS:       v1.RootFS{Type: "layers"},
	}
	annotations := map[string]string{}
	var layers []mutate.Addendum
	expand := strings.NewReplacer("{os}", v.platform.OS, "{arch}", v.platform.Architecture, "{platform}", v.platform.String())
	for _, option := range v.options {
		value := expand.Replace(option.value)
		switch option.name {
		case "layer":
			layer, err := openLayer(value)
			if err != nil {
				return nil, err
			}
			layers = append(layers, mutate.Addendum{
				Layer:   layer,
				History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "hack/stack"},
			})
		case "env":
			file.Config.Env = append(file.Config.Env, value)
		case "label":
			name, text, _ := strings.Cut(value, "=")
			if file.Config.Labels == nil {
				file.Config.Labels = map[string]string{}
			}
			file.Config.Labels[name] = text
		case "annotation":
			name, text, _ := strings.Cut(value, "=")
			annotations[name] = text
		case "entrypoint":
			file.Config.Entrypoint = append(file.Config.Entrypoint, value)
		case "cmd":
			file.Config.Cmd = append(file.Config.Cmd, value)
		case "user":
			file.Config.User = value
		case "workdir":
			file.Config.WorkingDir = value
		default:
			return nil, fmt.Errorf("no such flag: -%s\n%s", option.name, usage)
		}
	}
	image, err := mutate.ConfigFile(image, file)
	if err != nil {
		return nil, err
	}
	if image, err = mutate.Append(image, layers...); err != nil {
		return nil, err
	}
	if len(annotations) > 0 {
		image = mutate.Annotations(image, annotations).(v1.Image)
	}
	return image, nil
}

func openLayer(source string) (v1.Layer, error) {
	mediaType := tarball.WithMediaType(types.OCILayer)
	if info, err := os.Stat(source); err == nil && info.Mode().IsRegular() {
		return tarball.LayerFromFile(source, mediaType)
	}
	content, err := layerBytes([]string{source})
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, mediaType)
}
