import Type from 'typebox'
import { SnapshotRequest } from '../../wire/snapshot.ts'
import { badRequest } from '../errors.ts'
import type { BodyReader } from '../http/api.ts'
import { readBody } from '../http/decode.ts'

/** Body of Create Snapshot. */
export const SnapshotsBody = Type.Object({
  Namespace: Type.Optional(Type.String()),
  Snapshots: Type.Array(SnapshotRequest),
})

export interface SnapshotsRequest {
  readonly namespace: string
  readonly snapshots: readonly SnapshotRequest[]
}

/** Reads the body of Create Snapshot. A volume that the path names is the source of each. */
export const snapshotsReader: BodyReader<SnapshotsRequest> = {
  read(bytes, request) {
    const {
      query,
      params: { id },
    } = request
    const { Namespace, Snapshots } = readBody(SnapshotsBody, bytes, request)
    const snapshots = Snapshots.map((snapshot) => {
      if (id !== undefined && snapshot.SourceVolumeID !== '' && snapshot.SourceVolumeID !== id) {
        throw badRequest(`SourceVolumeID "${snapshot.SourceVolumeID}" is not the "${id}" of the path`)
      }
      return { ...snapshot, SourceVolumeID: id ?? snapshot.SourceVolumeID }
    })
    return { namespace: query.get('namespace') || Namespace || 'default', snapshots }
  },
  namespaces: ({ namespace }) => [namespace],
}
