package step

import (
	"fmt"
	"slices"
	"strings"
)

// rounds splits sorted wheels so that no two wheels of one round put different
// things in one place: uv installs the wheels of a round in any order, and a
// later round overwrites an earlier one. The last wheel in order wins, always.
// The warnings name each pair once.
func rounds(wheels []*wheel, show func(place string) string) (result [][]*wheel, warnings []string) {
	type claim struct{ last, round int } // the last wheel there, the latest round of any
	claims := map[string]claim{}
	for i, w := range wheels {
		round := 0
		lost := map[int][]string{}
		for place, content := range w.claims {
			before, taken := claims[place]
			if taken && wheels[before.last].claims[place] != content {
				round = max(round, before.round+1)
				lost[before.last] = append(lost[before.last], place)
			}
		}
		for place := range w.claims {
			claims[place] = claim{i, max(claims[place].round, round)}
		}
		for before := range wheels[:i] {
			if places := lost[before]; len(places) > 0 {
				warnings = append(warnings, overlapWarning(wheels[before], w, places, show))
			}
		}
		if round == len(result) {
			result = append(result, nil)
		}
		result[round] = append(result[round], w)
	}
	return result, warnings
}

func overlapWarning(loser, winner *wheel, places []string, show func(string) string) string {
	slices.Sort(places)
	more := ""
	if n := len(places) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("warning: %s %s and %s %s both install %s%s; that of %s is kept",
		loser.name, loser.version, winner.name, winner.version, show(places[0]), more, winner.name)
}

// showPlace spells a place as it is found in the environment.
func showPlace(place, python string) string {
	if rest, ok := strings.CutPrefix(place, sitePlace); ok {
		return "lib/" + python + "/site-packages/" + rest
	}
	return place
}
