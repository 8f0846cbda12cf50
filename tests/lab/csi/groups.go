package csi

import (
	"context"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// GroupControllerGetCapabilities is part of csi.GroupControllerServer.
func (d *Driver) GroupControllerGetCapabilities(context.Context, *csi.GroupControllerGetCapabilitiesRequest) (*csi.GroupControllerGetCapabilitiesResponse, error) {
	return &csi.GroupControllerGetCapabilitiesResponse{Capabilities: []*csi.GroupControllerServiceCapability{{
		Type: &csi.GroupControllerServiceCapability_Rpc{Rpc: &csi.GroupControllerServiceCapability_RPC{
			Type: csi.GroupControllerServiceCapability_RPC_CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT,
		}},
	}}}, nil
}

// CreateVolumeGroupSnapshot is part of csi.GroupControllerServer.
func (d *Driver) CreateVolumeGroupSnapshot(ctx context.Context, r *csi.CreateVolumeGroupSnapshotRequest) (*csi.CreateVolumeGroupSnapshotResponse, error) {
	if err := required("name", r.GetName()); err != nil {
		return nil, err
	}
	volumes := slices.Compact(slices.Sorted(slices.Values(r.GetSourceVolumeIds())))
	if len(volumes) == 0 || slices.Contains(volumes, "") {
		return nil, status.Error(codes.InvalidArgument, "source_volume_ids is missing")
	}
	id := idFor(r.GetName())
	group, err := d.existingGroup(id, volumes)
	if err != nil {
		return nil, err
	}
	if group == nil {
		wanted := map[*Snapshot]Fault{}
		for _, volumeID := range volumes {
			volume, err := d.volume(volumeID)
			if err != nil {
				return nil, err
			}
			fault, err := d.faults.before(ctx, volume)
			if err != nil {
				return nil, err
			}
			name := r.GetName() + "-" + volume.ID
			wanted[&Snapshot{ID: idFor(name), Name: name, Volume: volume.ID, Group: id}] = fault
		}
		if group, err = d.cutGroup(ctx, &Group{ID: id, Name: r.GetName()}, volumes, wanted); err != nil {
			return nil, err
		}
	}
	described, err := d.describeGroup(group)
	if err != nil {
		return nil, err
	}
	return &csi.CreateVolumeGroupSnapshotResponse{GroupSnapshot: described}, nil
}

func (d *Driver) cutGroup(ctx context.Context, group *Group, volumes []string, wanted map[*Snapshot]Fault) (*Group, error) {
	d.change.Lock()
	defer d.change.Unlock()
	// A retry of this call may have made it while this one waited.
	if existing, err := d.existingGroup(group.ID, volumes); existing != nil || err != nil {
		return existing, err
	}
	if err := d.cut(ctx, wanted); err != nil {
		return nil, err
	}
	for snapshot := range wanted {
		group.Cut = snapshot.Cut
		group.Snapshots = append(group.Snapshots, snapshot.ID)
	}
	slices.Sort(group.Snapshots)
	if err := d.store.save(groupsDir, group.ID, group); err != nil {
		return nil, internal(err)
	}
	return group, nil
}

// existingGroup returns what an earlier call with the same name made, or nil.
func (d *Driver) existingGroup(id string, volumes []string) (*Group, error) {
	var group Group
	exists, err := d.store.load(groupsDir, id, &group)
	if err != nil {
		return nil, internal(err)
	}
	if !exists {
		return nil, nil
	}
	var sources []string
	for _, member := range group.Snapshots {
		snapshot, err := d.snapshot(member)
		if err != nil {
			return nil, err
		}
		sources = append(sources, snapshot.Volume)
	}
	slices.Sort(sources)
	if !slices.Equal(sources, volumes) {
		return nil, status.Errorf(codes.AlreadyExists, "group snapshot %q exists, of other volumes", group.Name)
	}
	return &group, nil
}

// DeleteVolumeGroupSnapshot is part of csi.GroupControllerServer.
func (d *Driver) DeleteVolumeGroupSnapshot(_ context.Context, r *csi.DeleteVolumeGroupSnapshotRequest) (*csi.DeleteVolumeGroupSnapshotResponse, error) {
	if err := required("group_snapshot_id", r.GetGroupSnapshotId()); err != nil {
		return nil, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	var group Group
	exists, err := d.store.load(groupsDir, r.GetGroupSnapshotId(), &group)
	if err != nil {
		return nil, internal(err)
	}
	if !exists {
		return &csi.DeleteVolumeGroupSnapshotResponse{}, nil
	}
	if err := sameMembers(&group, r.GetSnapshotIds()); err != nil {
		return nil, err
	}
	for _, member := range group.Snapshots {
		if err := d.store.remove(snapshotsDir, member); err != nil {
			return nil, internal(err)
		}
	}
	if err := d.store.remove(groupsDir, group.ID); err != nil {
		return nil, internal(err)
	}
	return &csi.DeleteVolumeGroupSnapshotResponse{}, nil
}

// GetVolumeGroupSnapshot is part of csi.GroupControllerServer.
func (d *Driver) GetVolumeGroupSnapshot(_ context.Context, r *csi.GetVolumeGroupSnapshotRequest) (*csi.GetVolumeGroupSnapshotResponse, error) {
	if err := required("group_snapshot_id", r.GetGroupSnapshotId()); err != nil {
		return nil, err
	}
	group, err := d.group(r.GetGroupSnapshotId())
	if err != nil {
		return nil, err
	}
	if err := sameMembers(group, r.GetSnapshotIds()); err != nil {
		return nil, err
	}
	described, err := d.describeGroup(group)
	if err != nil {
		return nil, err
	}
	return &csi.GetVolumeGroupSnapshotResponse{GroupSnapshot: described}, nil
}

// sameMembers refuses a list of snapshots that is not the group's; an empty list means the caller does
// not know them.
func sameMembers(group *Group, claimed []string) error {
	if len(claimed) == 0 || slices.Equal(slices.Sorted(slices.Values(claimed)), group.Snapshots) {
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "group snapshot %s has the members %v", group.ID, group.Snapshots)
}

func (d *Driver) describeGroup(group *Group) (*csi.VolumeGroupSnapshot, error) {
	answer := &csi.VolumeGroupSnapshot{
		GroupSnapshotId: group.ID, CreationTime: timestamppb.New(group.Cut), ReadyToUse: true,
	}
	for _, member := range group.Snapshots {
		snapshot, err := d.snapshot(member)
		if err != nil {
			return nil, err
		}
		answer.Snapshots = append(answer.Snapshots, describe(snapshot))
		answer.ReadyToUse = answer.ReadyToUse && snapshot.Ready(now())
	}
	return answer, nil
}
