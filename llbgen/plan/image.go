package plan

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// userName is the name of the image's user in the user databases.
const userName = "app"

func setup(b Base, s *spec.Spec) Setup {
	return Setup{
		Trim: b.Trim, Name: userName, UID: s.Tool.User, Home: "/home/" + userName,
		Workdir: s.Tool.Workdir, At: s.At("tool.pyfrontend.base"),
	}
}

func (in Input) image(p *Plan, st start) Image {
	s := in.Spec
	env := []spec.Pair{
		{Name: "VIRTUAL_ENV", Value: Venv},
		{Name: "PYTHONUNBUFFERED", Value: "1"},
		{Name: "PYTHONFAULTHANDLER", Value: "1"},
	}
	if p.Files != nil {
		env = append(env, spec.Pair{Name: "PYTHONPATH", Value: p.Files.Target})
	}
	env = append(env, st.env...)
	id := strconv.Itoa(s.Tool.User)
	return Image{
		Command:    st.argv,
		Env:        append(env, s.Tool.Env...),
		Labels:     append(in.labels(), s.Tool.Labels...),
		User:       id + ":" + id,
		Workdir:    s.Tool.Workdir,
		Port:       st.port,
		StopSignal: s.Tool.StopSignal,
	}
}

// urlLabels maps well-known labels of [project.urls] (PEP 753, normalised) to
// OCI annotation keys.
var urlLabels = []struct{ label, key string }{
	{"homepage", "url"},
	{"documentation", "documentation"},
	{"docs", "documentation"},
	{"source", "source"},
	{"repository", "source"},
	{"sourcecode", "source"},
	{"github", "source"},
}

// labels gives the predefined OCI annotation keys that the project table, the
// version control and the base have values for.
func (in Input) labels() []spec.Pair {
	project := in.Spec.Project
	values := map[string]string{
		"title":       project.Name,
		"version":     project.Version,
		"description": project.Description,
		"licenses":    project.License,
		"authors":     strings.Join(project.Authors, ", "),
		"revision":    in.Revision,
		"base.name":   in.Base.Ref,
		"base.digest": in.Base.Digest,
	}
	for _, row := range urlLabels {
		for _, url := range project.URLs {
			label := strings.ReplaceAll(packaging.NormalizeName(url.Name), "-", "")
			if strings.ReplaceAll(label, " ", "") == row.label && values[row.key] == "" {
				values[row.key] = url.Value
			}
		}
	}
	if values["source"] == "" {
		values["source"] = publicURL(in.Source)
	}
	var labels []spec.Pair
	for _, key := range []string{"title", "version", "description", "licenses", "authors", "url", "documentation", "source", "revision", "base.name", "base.digest"} {
		if values[key] != "" {
			labels = append(labels, spec.Pair{Name: "org.opencontainers.image." + key, Value: values[key]})
		}
	}
	return labels
}

// publicURL removes what a web address says of the user: clients leave a mask
// of the name and password there.
func publicURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil || u.Scheme != "https" && u.Scheme != "http" {
		return address
	}
	u.User = nil
	return u.String()
}
