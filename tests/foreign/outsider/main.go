// Outsider reads what Watchword wrote with code that nobody of Watchword wrote: Go's sumdb/note and sumdb/tlog,
// torchwood, and transparency-dev/merkle.
//
//	outsider log DIR VKEY          everything in an export
//	outsider proof VKEY            proofs on standard input: a JSON array of {"entry", "proof"}
//	outsider bundle DIR            every entry of an unpacked evidence bundle, under its own policy.tlog
//	outsider vectors SEED          what transparency-dev/merkle accepts and refuses, as JSON on standard output
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "log":
		return readLog(args[1], args[2])
	case len(args) == 2 && args[0] == "proof":
		return readProofs(args[1])
	case len(args) == 2 && args[0] == "bundle":
		return readBundle(args[1])
	case len(args) == 2 && args[0] == "vectors":
		return writeVectors(args[1])
	}
	return fmt.Errorf("usage: outsider log DIR VKEY | proof VKEY | bundle DIR | vectors SEED")
}

func readProofs(vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier))
	var given []struct{ Entry, Proof []byte }
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return err
	}
	for n, one := range given {
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(one.Entry), one.Proof); err != nil {
			return fmt.Errorf("proof %d: %w", n, err)
		}
	}
	fmt.Printf("%d proofs\n", len(given))
	return nil
}

func readBundle(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "policy.tlog"))
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return err
	}
	entries, err := filepath.Glob(filepath.Join(dir, "entries", "*.json"))
	if err != nil || len(entries) == 0 {
		return fmt.Errorf("no entries in %s: %v", dir, err)
	}
	for _, name := range entries {
		entry, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		proof, err := os.ReadFile(strings.TrimSuffix(name, ".json") + ".tlog-proof")
		if err != nil {
			return err
		}
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	fmt.Printf("%d entries\n", len(entries))
	return nil
}
