package csi

import (
	"context"
	"sort"
	"strconv"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func now() time.Time { return time.Now().UTC() }

// CreateSnapshot is part of csi.ControllerServer.
func (d *Driver) CreateSnapshot(ctx context.Context, r *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	if err := required("name", r.GetName(), "source_volume_id", r.GetSourceVolumeId()); err != nil {
		return nil, err
	}
	id := idFor(r.GetName())
	snapshot, err := d.existingSnapshot(id, r)
	if err != nil {
		return nil, err
	}
	if snapshot == nil {
		volume, err := d.volume(r.GetSourceVolumeId())
		if err != nil {
			return nil, err
		}
		fault, err := d.faults.before(ctx, volume)
		if err != nil {
			return nil, err
		}
		d.change.Lock()
		defer d.change.Unlock()
		// A retry of this call may have made it while this one waited.
		if snapshot, err = d.existingSnapshot(id, r); err != nil {
			return nil, err
		}
		if snapshot == nil {
			wanted := &Snapshot{ID: id, Name: r.GetName(), Volume: volume.ID}
			if err := d.cut(ctx, map[*Snapshot]Fault{wanted: fault}); err != nil {
				return nil, err
			}
			snapshot = wanted
		}
	}
	return &csi.CreateSnapshotResponse{Snapshot: describe(snapshot)}, nil
}

// existingSnapshot returns what an earlier call with the same name made, or nil.
func (d *Driver) existingSnapshot(id string, r *csi.CreateSnapshotRequest) (*Snapshot, error) {
	var snapshot Snapshot
	exists, err := d.store.load(snapshotsDir, id, &snapshot)
	if err != nil {
		return nil, internal(err)
	}
	if !exists {
		return nil, nil
	}
	if snapshot.Volume != r.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %q exists, of volume %s", r.GetName(), snapshot.Volume)
	}
	return &snapshot, nil
}

// cut copies the source volumes of the snapshots at one moment, completes and records them. On error
// none of them remains.
func (d *Driver) cut(ctx context.Context, wanted map[*Snapshot]Fault) (err error) {
	var volumes []string
	for snapshot := range wanted {
		volume, err := d.volume(snapshot.Volume)
		if err != nil {
			return err
		}
		snapshot.Size = volume.Capacity
		volumes = append(volumes, volume.ID)
	}
	defer func() {
		if err == nil {
			return
		}
		for snapshot := range wanted {
			_ = d.store.remove(snapshotsDir, snapshot.ID)
		}
	}()
	moment, err := d.copyFrozen(ctx, volumes, wanted)
	if err != nil {
		return internal(err)
	}
	for snapshot, fault := range wanted {
		snapshot.Cut = moment
		fault.apply(snapshot)
		if err := d.store.save(snapshotsDir, snapshot.ID, snapshot); err != nil {
			return internal(err)
		}
	}
	return nil
}

// copyFrozen makes all copies while all writers are stopped, and returns the moment they stand for.
func (d *Driver) copyFrozen(ctx context.Context, volumes []string, wanted map[*Snapshot]Fault) (time.Time, error) {
	thaw, err := d.frozen.freeze(volumes)
	defer thaw()
	if err != nil {
		return time.Time{}, err
	}
	moment := now()
	for snapshot := range wanted {
		if err := copyTree(ctx, d.store.data(volumesDir, snapshot.Volume), d.store.data(snapshotsDir, snapshot.ID)); err != nil {
			return moment, err
		}
	}
	return moment, nil
}

// DeleteSnapshot is part of csi.ControllerServer.
func (d *Driver) DeleteSnapshot(_ context.Context, r *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	if err := required("snapshot_id", r.GetSnapshotId()); err != nil {
		return nil, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	var snapshot Snapshot
	if _, err := d.store.load(snapshotsDir, r.GetSnapshotId(), &snapshot); err != nil {
		return nil, internal(err)
	}
	if snapshot.Group != "" {
		return nil, status.Errorf(codes.InvalidArgument, "snapshot %s goes with its group %s", snapshot.ID, snapshot.Group)
	}
	if err := d.store.remove(snapshotsDir, r.GetSnapshotId()); err != nil {
		return nil, internal(err)
	}
	return &csi.DeleteSnapshotResponse{}, nil
}

// ListSnapshots is part of csi.ControllerServer. A token is the place in the list to go on from.
func (d *Driver) ListSnapshots(_ context.Context, r *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	first := 0
	if token := r.GetStartingToken(); token != "" {
		var err error
		if first, err = strconv.Atoi(token); err != nil || first < 0 {
			return nil, status.Errorf(codes.Aborted, "%q is not a token of this list", token)
		}
	}
	matching, err := d.matchingSnapshots(r)
	if err != nil {
		return nil, internal(err)
	}
	answer := &csi.ListSnapshotsResponse{}
	for i := first; i < len(matching); i++ {
		if most := int(r.GetMaxEntries()); most > 0 && len(answer.Entries) == most {
			answer.NextToken = strconv.Itoa(i)
			break
		}
		answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: describe(matching[i])})
	}
	return answer, nil
}

func (d *Driver) matchingSnapshots(r *csi.ListSnapshotsRequest) ([]*Snapshot, error) {
	ids := []string{r.GetSnapshotId()}
	if r.GetSnapshotId() == "" {
		var err error
		if ids, err = d.store.list(snapshotsDir); err != nil {
			return nil, err
		}
	}
	var matching []*Snapshot
	for _, id := range ids {
		snapshot := new(Snapshot)
		exists, err := d.store.load(snapshotsDir, id, snapshot)
		if err != nil {
			return nil, err
		}
		if exists && (r.GetSourceVolumeId() == "" || r.GetSourceVolumeId() == snapshot.Volume) {
			matching = append(matching, snapshot)
		}
	}
	// Oldest first, so that a token stays true while snapshots are added.
	sort.SliceStable(matching, func(i, j int) bool { return matching[i].Cut.Before(matching[j].Cut) })
	return matching, nil
}

func describe(s *Snapshot) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.Volume, GroupSnapshotId: s.Group, SizeBytes: s.Size,
		CreationTime: timestamppb.New(s.Cut), ReadyToUse: s.Ready(now()),
	}
}
