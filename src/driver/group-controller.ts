import type { GroupControllerDefinition } from '../csi/generated/csi/v1/GroupController.ts'
import { createGroupSnapshot } from './create-group-snapshot.ts'
import type { DriverContext } from './driver-context.ts'
import { deleteGroupSnapshot, getGroupSnapshot } from './group-snapshots.ts'
import type { Handlers } from './serve.ts'

export function createGroupControllerHandlers(context: DriverContext): Handlers<GroupControllerDefinition> {
  return {
    GroupControllerGetCapabilities: async () => ({
      capabilities: [{ rpc: { type: 'CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT' } }],
    }),
    CreateVolumeGroupSnapshot: (request) => createGroupSnapshot(context, request),
    DeleteVolumeGroupSnapshot: (request) => deleteGroupSnapshot(context, request),
    GetVolumeGroupSnapshot: async (request) => getGroupSnapshot(context, request),
  }
}
