package csi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Fault is an order to misbehave when a snapshot is taken. It is the content of a control file; the
// most specific one counts for a volume, by the claim it was provisioned for:
//
//	FAULTS/NAMESPACE/CLAIM    snapshots of one claim
//	FAULTS/NAMESPACE/*        snapshots of all claims of a namespace (the file is named by an asterisk)
//	FAULTS/*                  all snapshots of this driver
//
// The file is read anew for each call and ends with the file. Write it under another name and rename it,
// so that the driver never reads half of it.
type Fault struct {
	CutAfter    float64    `json:"cut_after,omitempty"`    // seconds the call takes before the copy is made
	ReadyAfter  float64    `json:"ready_after,omitempty"`  // seconds between the copy and ready_to_use
	NeverReady  bool       `json:"never_ready,omitempty"`  // cut, but never ready_to_use
	ErrorOnce   string     `json:"error_once,omitempty"`   // fail one call; the order is then taken out of the file
	ErrorAlways string     `json:"error_always,omitempty"` // fail every call
	Code        codes.Code `json:"code,omitempty"`         // of these errors, as "UNAVAILABLE"; INTERNAL when absent
	Refuse      bool       `json:"refuse,omitempty"`       // answer FAILED_PRECONDITION to every call
	WrongSize   bool       `json:"wrong_size,omitempty"`   // report twice the volume's capacity plus one byte
}

type faults struct{ dir string }

// of finds the order for a volume and the file it is in; no order is the zero Fault.
func (f faults) of(volume *Volume) (Fault, string, error) {
	candidates := []string{filepath.Join(f.dir, "*")}
	if volume.Claim.Namespace != "" {
		namespace := filepath.Join(f.dir, volume.Claim.Namespace)
		candidates = []string{filepath.Join(namespace, volume.Claim.Name), filepath.Join(namespace, "*"), candidates[0]}
	}
	for _, path := range candidates {
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Fault{}, "", err
		}
		var fault Fault
		if err := json.Unmarshal(raw, &fault); err != nil {
			return Fault{}, "", fmt.Errorf("fault file %s: %w", path, err)
		}
		return fault, path, nil
	}
	return Fault{}, "", nil
}

// before does what the order says shall happen before the copy: wait, or fail.
func (f faults) before(ctx context.Context, volume *Volume) (Fault, error) {
	fault, path, err := f.of(volume)
	if err != nil {
		return fault, status.Error(codes.Internal, err.Error())
	}
	if fault.Refuse {
		return fault, status.Errorf(codes.FailedPrecondition, "volume %s: snapshots are refused", volume.ID)
	}
	code := fault.Code
	if code == codes.OK {
		code = codes.Internal
	}
	if fault.ErrorAlways != "" {
		return fault, status.Error(code, fault.ErrorAlways)
	}
	if message := fault.ErrorOnce; message != "" {
		fault.ErrorOnce = ""
		raw, err := json.Marshal(fault)
		if err == nil {
			err = replaceFile(path, raw)
		}
		if err != nil {
			return fault, status.Error(codes.Internal, err.Error())
		}
		return fault, status.Error(code, message)
	}
	select {
	case <-time.After(seconds(fault.CutAfter)):
		return fault, nil
	case <-ctx.Done():
		return fault, status.FromContextError(ctx.Err()).Err()
	}
}

// apply marks a fresh snapshot as the order says.
func (f Fault) apply(snapshot *Snapshot) {
	if f.WrongSize {
		snapshot.Size = 2*snapshot.Size + 1
	}
	if !f.NeverReady {
		at := snapshot.Cut.Add(seconds(f.ReadyAfter))
		snapshot.ReadyAt = &at
	}
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
