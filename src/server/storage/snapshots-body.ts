import Type from 'typebox'
import { SnapshotRequest } from '../../wire/snapshot.ts'
import { decode, parseBody } from '../http/decode.ts'

const SnapshotsBody = Type.Object({
  Namespace: Type.Optional(Type.String()),
  Snapshots: Type.Array(SnapshotRequest),
})

/** Decodes the body of Create Snapshot: the namespace that it is about, and its snapshots. @throws ApiError 400 */
export function parseSnapshotsBody(body: Buffer | undefined, query: URLSearchParams) {
  const { Namespace, Snapshots } = decode(SnapshotsBody, parseBody(body))
  return { namespace: query.get('namespace') || Namespace || 'default', snapshots: Snapshots }
}

/** @throws ApiError 400 */
export const snapshotsNamespace = (body: Buffer | undefined, query: URLSearchParams) =>
  parseSnapshotsBody(body, query).namespace
