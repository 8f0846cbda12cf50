// Package bulk fills a cluster with many volumes and snapshots, for measurements of size.
package bulk

import (
	"context"
	"errors"
)

// Add is to come.
func Add(context.Context, string, int) error { return errors.New("bulk is not built yet") }
