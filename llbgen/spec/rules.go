package spec

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule is what a key asks beyond the Go type of its field.
type rule struct {
	// read takes the place of the reader for the field's type.
	read func(*reader, *node) any
	// check notes what is wrong with a value of the right type. It runs only
	// for keys that are stated.
	check func(*reader, Tool, *node)
}

var rules = map[string]rule{
	"python":      {check: checkPython},
	"base":        {check: checkBase},
	"lock":        {check: checkLock},
	"package":     {read: func(r *reader, n *node) any { return normalize(r.text(n)) }, check: checkPackage},
	"extras":      {read: func(r *reader, n *node) any { return r.names(n) }, check: checkNames},
	"groups":      {read: func(r *reader, n *node) any { return r.names(n) }, check: checkNames},
	"mode":        {check: checkMode},
	"include":     {check: checkPatterns},
	"exclude":     {check: checkPatterns},
	"server":      {check: checkServer},
	"command":     {read: func(r *reader, n *node) any { return r.argv(n) }, check: checkCommand},
	"port":        {check: checkPort},
	"user":        {read: func(r *reader, n *node) any { return r.userID(n) }, check: checkUser},
	"workdir":     {check: checkWorkdir},
	"env":         {check: checkEnv},
	"labels":      {check: checkLabels},
	"stop-signal": {check: checkSignal},
	"smoke":       {check: checkSmoke},
	"build-date":  {read: func(r *reader, n *node) any { return r.date(n) }, check: checkDate},
	"commands":    {check: checkCommands},
}

var (
	pythonVersion = regexp.MustCompile(`^[1-9][0-9]*\.(0|[1-9][0-9]*)$`)
	pythonPatch   = regexp.MustCompile(`^([1-9][0-9]*\.(0|[1-9][0-9]*))\.`)
	// distributionName is PEP 508's, which PEP 685 and PEP 735 take over.
	distributionName = regexp.MustCompile(`(?i)^[A-Z0-9]([A-Z0-9._-]*[A-Z0-9])?$`)
	separators       = regexp.MustCompile(`[-_.]+`)
	identifiers      = `[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*(\.[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*)*`
	modulePath       = regexp.MustCompile(`^` + identifiers + `$`)
	objectPath       = regexp.MustCompile(`^` + identifiers + `:` + identifiers + `$`)
	variableName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	targetName       = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
)

// normalize is PEP 503's form of a name, which is PEP 685's of an extra and
// PEP 735's of a group.
func normalize(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

func checkPython(r *reader, t Tool, n *node) {
	if pythonVersion.MatchString(t.Python) {
		return
	}
	hint := "for example `3.13`"
	if m := pythonPatch.FindStringSubmatch(t.Python); m != nil {
		hint = "leave out the patch version: " + Quote(m[1])
	}
	r.mistake(n.value, hint, "%s must be a version `X.Y`, not %s", label(n), Quote(t.Python))
}

func checkBase(r *reader, t Tool, n *node) {
	if t.Base == "" || strings.ContainsFunc(t.Base, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		r.mistake(n.value, "for example `debian`", "%s must name an image, not %s", label(n), Quote(t.Base))
	}
}

func checkLock(r *reader, t Tool, n *node) {
	r.insidePath(n, t.Lock)
	if t.Lock == "." {
		r.mistake(n.value, "", "%s must name a file, not %s", label(n), Quote(t.Lock))
	}
}

func checkPackage(r *reader, _ Tool, n *node) {
	if !distributionName.MatchString(n.text) {
		r.mistake(n.value, "", "%s must be the name of a workspace member, not %s", label(n), Quote(n.text))
	}
}

func checkNames(r *reader, _ Tool, n *node) {
	var seen []string
	for _, item := range n.items {
		name := normalize(item.text)
		switch {
		case !distributionName.MatchString(item.text):
			r.mistake(item.value, "", "%s is not a valid name: %s", label(item), Quote(item.text))
		case slices.Contains(seen, name):
			r.mistake(item.value, "", "%s names %s twice", label(n), Quote(name))
		}
		seen = append(seen, name)
	}
}

func checkMode(r *reader, t Tool, n *node) {
	if modes := []string{"wheel", "directory"}; !slices.Contains(modes, t.Mode) {
		r.mistake(n.value, suggest(t.Mode, modes), "%s must be `wheel` or `directory`, not %s", label(n), Quote(t.Mode))
	}
}

func checkPatterns(r *reader, _ Tool, n *node) {
	for _, item := range n.items {
		switch p := item.text; {
		case p == "":
			r.mistake(item.value, "", "%s must not be empty", label(item))
		case strings.HasPrefix(p, "/"):
			r.mistake(item.value, "patterns are relative to the project", "%s must not begin with `/`", label(item))
		case slices.Contains(strings.Split(p, "/"), ".."):
			r.mistake(item.value, "", "%s must not contain `..`", label(item))
		}
	}
}

func checkServer(r *reader, t Tool, n *node) {
	if objectPath.MatchString(t.Server) {
		return
	}
	hint := "for example `shop.main:app`"
	switch module, _, found := strings.Cut(t.Server, ":"); {
	case strings.ContainsAny(t.Server, "()"):
		hint = "a factory is not called: make the object in a module, `app = create_app()`, and name that"
	case !found && modulePath.MatchString(t.Server):
		hint = "name the object too, for example " + Quote(t.Server+":app")
	case strings.ContainsRune(module, '/'):
		hint = "write the module with dots, as it is imported, for example `shop.main:app`"
	}
	r.mistake(n.value, hint, "%s must be an object `module:name`, not %s", label(n), Quote(t.Server))
}

func checkCommand(r *reader, _ Tool, n *node) {
	if len(n.items) == 0 {
		r.mistake(n.value, "", "%s must not be empty", label(n))
	} else if n.items[0].text == "" {
		r.mistake(n.items[0].value, "it is the program to run", "%s must not be empty", label(n.items[0]))
	}
}

func checkPort(r *reader, t Tool, n *node) {
	if t.Port < 1 || t.Port > 65535 {
		r.mistake(n.value, "", "%s must be between 1 and 65535, not %d", label(n), t.Port)
	}
}

func checkUser(r *reader, t Tool, n *node) {
	if maxUser := 1<<31 - 1; t.User < 0 || t.User > maxUser {
		r.mistake(n.value, "", "%s must be between 0 and %d, not %d", label(n), maxUser, t.User)
	}
}

func checkWorkdir(r *reader, t Tool, n *node) {
	switch clean := path.Clean("/" + t.Workdir); {
	case !strings.HasPrefix(t.Workdir, "/"):
		r.mistake(n.value, "for example `/app`", "%s must be an absolute path, not %s", label(n), Quote(t.Workdir))
	case clean != t.Workdir:
		r.mistake(n.value, "write "+Quote(clean), "%s must be a clean path, not %s", label(n), Quote(t.Workdir))
	}
}

func checkEnv(r *reader, _ Tool, n *node) {
	for _, v := range n.fields {
		if !variableName.MatchString(v.name) {
			r.mistake(v.key, "use letters, digits and `_`, and no digit first", "%s is not a name for an environment variable", Quote(v.name))
		}
	}
}

func checkLabels(r *reader, _ Tool, n *node) {
	for _, v := range n.fields {
		if v.name == "" {
			r.mistake(v.key, "", "the name of a label must not be empty")
		}
	}
}

func checkSmoke(r *reader, t Tool, n *node) {
	if !t.Smoke.Off && len(n.items) == 0 {
		r.mistake(n.value, "to turn the test off write `false`", "%s must not be empty", label(n))
	}
	for _, item := range n.items {
		if !modulePath.MatchString(item.text) {
			r.mistake(item.value, "for example `shop.main`", "%s must be the name of a module, not %s", label(item), Quote(item.text))
		}
	}
}

func checkDate(r *reader, t Tool, n *node) {
	if !isDate(t.BuildDate) {
		r.mistake(n.value, "for example "+Quote(exampleDate), "%s must be %s, not %s", label(n), wantDate, Quote(t.BuildDate))
	}
}

// isDate tells whether s is a date or an RFC 3339 date-time.
func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	var instant time.Time
	// time.Parse accepts more than the RFC; UnmarshalText does not.
	return err == nil || instant.UnmarshalText([]byte(s)) == nil
}

func checkCommands(r *reader, _ Tool, n *node) {
	for _, c := range n.fields {
		switch {
		case !targetName.MatchString(c.name):
			r.mistake(c.key, "use small letters, digits, `.`, `_` and `-`, and a letter or digit first", "%s is not a name for a target", Quote(c.name))
		case slices.Contains(builtinTargets, c.name):
			r.mistake(c.key, "choose another name", "%s is a built-in target", Quote(c.name))
		}
		checkCommand(r, Tool{}, c)
	}
}

// insidePath notes what is wrong with a path of a file in the build context.
func (r *reader) insidePath(n *node, p string) {
	clean := path.Clean(p)
	switch {
	case p == "":
		r.mistake(n.value, "", "%s must not be empty", label(n))
	case strings.HasPrefix(p, "/"):
		r.mistake(n.value, "paths are relative to the build context", "%s must not begin with `/`", label(n))
	case clean == ".." || strings.HasPrefix(clean, "../"):
		r.mistake(n.value, "", "%s must not leave the build context", label(n))
	case clean != p:
		r.mistake(n.value, "write "+Quote(clean), "%s must be a clean path, not %s", label(n), Quote(p))
	}
}

// builtinTargets are the targets that every build has.
var builtinTargets = []string{
	"test", "dev", "debug", "wheel", "lock", "requirements", "sbom", "audit", "scan",
}

// BuiltinTargets lists the targets that every build has, which no command may
// take the name of.
func BuiltinTargets() []string { return slices.Clone(builtinTargets) }

// signals are Linux's without `SIG`, those that stop a server first: of two
// that are equally like a wrong one, the first is suggested.
var signals = func() []string {
	names := strings.Fields(`TERM INT QUIT HUP KILL USR1 USR2 WINCH ABRT ALRM BUS CHLD CLD CONT FPE ILL IO IOT PIPE POLL
		PROF PWR SEGV STKFLT STOP SYS TRAP TSTP TTIN TTOU URG VTALRM XCPU XFSZ RTMIN RTMAX`)
	for i := 1; i <= 15; i++ {
		names = append(names, "RTMIN+"+strconv.Itoa(i))
	}
	for i := 1; i <= 14; i++ {
		names = append(names, "RTMAX-"+strconv.Itoa(i))
	}
	return names
}()

func checkSignal(r *reader, t Tool, n *node) {
	if number, err := strconv.ParseUint(t.StopSignal, 10, 8); err == nil && number >= 1 && number <= 64 {
		return
	}
	if name, found := strings.CutPrefix(t.StopSignal, "SIG"); found && slices.Contains(signals, name) {
		return
	}
	// With and without `SIG`, which docker takes too; all names share it, so
	// that it would make any two alike.
	word := strings.TrimPrefix(strings.ToUpper(t.StopSignal), "SIG")
	hint := "for example `SIGTERM`"
	if meant := closest(word, signals); meant != "" {
		hint = didYouMean("SIG" + meant)
	}
	r.mistake(n.value, hint, "%s must be the name or number of a signal, not %s", label(n), Quote(t.StopSignal))
}
