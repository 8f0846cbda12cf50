package csi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// copyTree makes `to` a copy of the directory `from`, with owners, modes, times, links and holes. What
// an interrupted attempt left at `to` is replaced. The copy appears under its name only when complete.
func copyTree(ctx context.Context, from, to string) error {
	temporary, err := os.MkdirTemp(filepath.Dir(to), ".copy-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	out, err := exec.CommandContext(ctx, "cp", "--archive", "--reflink=auto", from+"/.", temporary).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.Rename(temporary, to)
}
