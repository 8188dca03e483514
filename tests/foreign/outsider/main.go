// Outsider reads what Watchword wrote with code that nobody of Watchword wrote: Go's sumdb/note and sumdb/tlog,
// torchwood, and transparency-dev/merkle.
//
//	outsider log DIR VKEY          everything in an export
//	outsider proof VKEY            proofs on standard input: a JSON array of {"entry", "proof"}
//	outsider vectors SEED          what transparency-dev/merkle accepts and refuses, as JSON on standard output
package main

import (
	"encoding/json"
	"fmt"
	"os"

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
	case len(args) == 2 && args[0] == "vectors":
		return writeVectors(args[1])
	}
	return fmt.Errorf("usage: outsider log DIR VKEY | proof VKEY | vectors SEED")
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
