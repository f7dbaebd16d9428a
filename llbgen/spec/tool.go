package spec

import (
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// defaults are the values of keys that are not stated. Keys whose default
// depends on the project stay empty; the plan decides them.
var defaults = Tool{
	Base:       "debian",
	Port:       8000,
	User:       10001,
	Workdir:    "/app",
	StopSignal: "SIGTERM",
}

// toolField is one key of the table, a field of Tool.
type toolField struct {
	key   string
	index int
}

// toolFields is the schema, in the order of Tool. A new key is a field there;
// only what its Go type cannot say is a row of rules.
var toolFields = func() (list []toolField) {
	for f := range reflect.TypeFor[Tool]().Fields() {
		list = append(list, toolField{f.Tag.Get("toml"), f.Index[0]})
	}
	return list
}()

// readers read a key by the Go type of its field.
var readers = map[reflect.Type]func(*reader, *node) any{
	reflect.TypeFor[string]():    func(r *reader, n *node) any { return r.text(n) },
	reflect.TypeFor[int]():       func(r *reader, n *node) any { return r.integer(n) },
	reflect.TypeFor[[]string]():  func(r *reader, n *node) any { return r.strings(n) },
	reflect.TypeFor[[]Pair]():    func(r *reader, n *node) any { return r.pairs(n) },
	reflect.TypeFor[Smoke]():     func(r *reader, n *node) any { return r.smoke(n) },
	reflect.TypeFor[[]Command](): func(r *reader, n *node) any { return r.commands(n) },
}

// tool reads [tool.pyfrontend]: decode, then defaults, then validate. A nil
// table is one that is not stated.
func (r *reader) tool(table *node) Tool {
	var t Tool
	sound := map[string]*node{}
	if table != nil {
		r.decode(r.table(table), &t, sound)
	}
	for _, f := range toolFields {
		if table.get(f.key) == nil {
			reflect.ValueOf(&t).Elem().Field(f.index).Set(reflect.ValueOf(defaults).Field(f.index))
		}
	}
	r.validate(t, table, sound)
	return t
}

// decode fills t and collects the keys whose values have the right type.
func (r *reader) decode(table *node, t *Tool, sound map[string]*node) {
	if table == nil {
		return
	}
	for _, n := range table.fields {
		i := slices.IndexFunc(toolFields, func(f toolField) bool { return f.key == n.name })
		if i < 0 {
			hint := suggest(n.name, toolKeys())
			if hint == "" {
				hint = "known are " + "`" + strings.Join(toolKeys(), "`, `") + "`"
			}
			r.mistake(n.key, hint, "unknown key %s", Quote(n.name))
			continue
		}
		field := reflect.ValueOf(t).Elem().Field(toolFields[i].index)
		read := rules[n.name].read
		if read == nil {
			read = readers[field.Type()]
		}
		before := len(r.mistakes)
		field.Set(reflect.ValueOf(read(r, n)))
		if len(r.mistakes) == before {
			sound[n.name] = n
		}
	}
}

// validate checks values that have the right type. It takes t by value and
// edits nothing.
func (r *reader) validate(t Tool, table *node, sound map[string]*node) {
	for _, f := range toolFields {
		if n, check := sound[f.key], rules[f.key].check; n != nil && check != nil {
			check(r, t, n)
		}
	}
	if server, command := table.get("server"), table.get("command"); server != nil && command != nil {
		first, second := server, command
		if second.key.start < first.key.start {
			first, second = second, first
		}
		r.mistake(second.key, "keep one of the two", "%s cannot stand beside %s", label(second), label(first))
	}
}

func toolKeys() []string {
	var keys []string
	for _, f := range toolFields {
		keys = append(keys, f.key)
	}
	return keys
}

// suggest is the hint for a word that is none of those known, empty if it is
// like none of them.
func suggest(word string, known []string) string {
	if k := closest(word, known); k != "" {
		return didYouMean(k)
	}
	return ""
}

func didYouMean(word string) string { return "did you mean " + Quote(word) + "?" }

// closest is the first of the words known that are most like this one, empty
// if none is.
func closest(word string, known []string) string {
	if len(word) > maxQuoted { // the distance takes quadratic time
		return ""
	}
	best, distance := "", min(max(2, len(word)/3), len(word)-1)+1
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	return best
}

func (r *reader) smoke(n *node) Smoke {
	switch {
	case n.kind == kindBoolean && n.text == "false":
		return Smoke{Off: true}
	case n.kind == kindBoolean:
		r.mistake(n.value, "leave it out, the test is on by default, or list the modules to import", "%s cannot be `true`", label(n))
	case n.kind != kindArray:
		r.wrongType(n, "`false` or "+wantStrings, typeHint(n, wantStrings))
	default:
		return Smoke{Modules: r.strings(n)}
	}
	return Smoke{}
}

func (r *reader) commands(n *node) []Command {
	var list []Command
	for _, command := range r.fields(n) {
		list = append(list, Command{Name: command.name, Argv: r.argv(command)})
	}
	return list
}

// argv reads a command. A string is refused: there is no shell to split it.
func (r *reader) argv(n *node) []string {
	if n.kind != kindString {
		return r.strings(n)
	}
	hint := "there is no shell, write the arguments one by one"
	if words := strings.Fields(n.text); len(words) > 0 && !strings.ContainsAny(n.text, `'"\$|&;<>*`) {
		for i, w := range words {
			words[i] = tomlString(w)
		}
		hint += ": " + Quote("["+strings.Join(words, ", ")+"]")
	}
	r.wrongType(n, wantStrings, hint)
	return nil
}

// names reads extras or groups, in their normalised form.
func (r *reader) names(n *node) []string {
	list := r.strings(n)
	for i := range list {
		list[i] = normalize(list[i])
	}
	return list
}

// userID reads the numeric user.
func (r *reader) userID(n *node) int {
	if n.kind == kindString && !isNumber(n.text) {
		r.wrongType(n, string(kindInteger), "users are numeric, since the image's own names are not known here; the default is 10001")
		return 0
	}
	return r.integer(n)
}
