package frontend

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// locate turns mistakes into one error that shows the lines of the user's
// files they are about. Other errors stay as they are.
func (r *request) locate(err error) error {
	mistakes := spec.Errors(err)
	if len(mistakes) == 0 {
		return err
	}
	texts := make([]string, len(mistakes))
	for i, m := range mistakes {
		texts[i] = m.Error()
	}
	text := texts[0]
	if len(texts) > 1 {
		text = fmt.Sprintf("%d mistakes\n%s", len(texts), strings.Join(texts, "\n"))
	}
	located := errors.New(text)
	seen := map[spec.Place]bool{}
	for i := len(mistakes) - 1; i >= 0; i-- {
		at := mistakes[i].At
		if info := r.sourceInfo(at.File); info != nil && !seen[at] {
			seen[at] = true
			located = errdefs.WithSource(located, &errdefs.Source{Info: info, Ranges: []*pb.Range{pbRange(at.Range)}})
		}
	}
	return located
}

func (r *request) sourceInfo(file string) *pb.SourceInfo {
	sm := r.sources[file]
	if sm == nil {
		return nil
	}
	info := &pb.SourceInfo{Data: sm.Data, Filename: sm.Filename, Language: sm.Language}
	if sm.Definition != nil {
		info.Definition = sm.Definition.ToPB()
	}
	return info
}

// warning shows a warning with its lines.
func (r *request) warning(ctx context.Context, at spec.Place, text string) {
	if r.source == nil {
		return
	}
	opts := client.WarnOpts{Level: 1}
	if info := r.sourceInfo(at.File); info != nil {
		opts.SourceInfo = info
		opts.Range = []*pb.Range{pbRange(at.Range)}
	}
	r.source.Warn(ctx, text, opts)
}

func pbRange(r spec.Range) *pb.Range {
	end := r.End
	if end.Line == 0 {
		end = r.Start
	}
	return &pb.Range{
		Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(max(r.Start.Column-1, 0))},
		End:   &pb.Position{Line: int32(end.Line), Character: int32(max(end.Column-1, 0))},
	}
}

// advice rewrites what the daemon says of a failed vertex into what to do.
var advice = []struct {
	pattern *regexp.Regexp
	message string
	hint    string
}{
	{
		// Of an error page, too, BuildKit says only which hash it has.
		regexp.MustCompile(`digest mismatch (?:for \S+: )?(sha256:[0-9a-f]+)(?: \(expected: |: )(sha256:[0-9a-f]+)`),
		"the downloaded file has the hash $1, but the lock says $2",
		"the file was replaced, or the server sent something else in its place; see what the address answers, and if the new file is right, lock again",
	},
	{
		regexp.MustCompile(`(?:failed to fetch|invalid response status) (\d{3})`),
		"the index answered $1 to a download", "see that the file still exists and that the daemon may read it",
	},
	{
		regexp.MustCompile(`x509: (.*)`),
		"a download failed because its certificate is not trusted: $1",
		"downloads use the trust store of the BuildKit daemon: add the company's certificate authority there",
	},
	{
		regexp.MustCompile(`(?:Get|Head) "([^"]+)": (.*)`),
		"downloading $1 failed: $2",
		"downloads are made by the BuildKit daemon, with its network and its proxy",
	},
	{
		regexp.MustCompile(`process "` + stepProgram + ` build .*" did not complete successfully: (.*)`),
		"a wheel of the project could not be built ($1)",
		"what the build backend printed is above; `.dockerignore` may exclude what it needs",
	},
	{
		regexp.MustCompile(`process "` + stepProgram + ` resolve .*" did not complete successfully: (.*)`),
		"the build requirements could not be resolved ($1)",
		"what uv printed is above; behind a proxy that replaces certificates pass `--secret id=ca-bundle,src=…`",
	},
	{
		regexp.MustCompile(`process "` + stepProgram + ` install .*" did not complete successfully: (.*)`),
		"locked wheels could not be installed ($1)",
		"what uv printed is above",
	},
}

// stepProgram begins the command line of every exec.
const stepProgram = "/run/pyfrontend/pyfrontend-step"

// advise rewrites the daemon's errors about vertices. The place is what the
// daemon attached, for a download the line of the lock.
func (r *request) advise(err error) error {
	text := err.Error()
	for _, row := range advice {
		m := row.pattern.FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		e := &spec.Error{Message: string(row.pattern.ExpandString(nil, row.message, text, m)), Hint: row.hint}
		for _, source := range errdefs.Sources(err) {
			if source.Info != nil && len(source.Ranges) > 0 {
				e.At.File = source.Info.Filename
				e.At.Range.Start = position(source.Ranges[0].Start)
				e.At.Range.End = position(source.Ranges[0].End)
			}
		}
		return e
	}
	return err
}

func position(p *pb.Position) spec.Position {
	if p == nil {
		return spec.Position{}
	}
	return spec.Position{Line: int(p.Line), Column: int(p.Character) + 1}
}
