package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/service/internal/platform/issuer"
)

// list is the content of a file of callers.
type list struct {
	// Tokens are the accepted tokens of each caller by its name, several while they are rotated.
	Tokens map[string][]string `json:"tokens"`
	// Issuers are those whose tokens are accepted.
	Issuers []accepted `json:"issuers"`
}

// accepted are the tokens of an issuer that are accepted: those for this audience with one of the subjects.
type accepted struct {
	issuer.Server
	Audience string   `json:"audience"`
	Subjects []string `json:"subjects"`
}

// parse reads a file of callers: a JSON object, or tokens without names, one per line.
func parse(text []byte) (list, error) {
	var parsed list
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("{")) {
		parsed.Tokens = map[string][]string{"": strings.Fields(string(text))}
		return parsed, parsed.check()
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parsed); err != nil {
		return list{}, err
	}
	if decoder.More() {
		return list{}, errors.New("more than one JSON object")
	}
	return parsed, parsed.check()
}

// check refuses what accepts nobody, or anybody.
func (l list) check() error {
	count := len(l.Issuers)
	for name, tokens := range l.Tokens {
		if slices.Contains(tokens, "") {
			return fmt.Errorf("an empty token of %q", name)
		}
		count += len(tokens)
	}
	if count == 0 {
		return errors.New("neither tokens nor issuers")
	}
	for _, one := range l.Issuers {
		if one.Audience == "" || len(one.Subjects) == 0 || slices.Contains(one.Subjects, "") {
			return fmt.Errorf("issuer %q needs an audience and subjects", one.URL)
		}
		if err := one.Check(); err != nil {
			return err
		}
	}
	return nil
}
