import { status } from '@grpc/grpc-js'
import type { Snapshot__Output } from '../../csi/generated/csi/v1/Snapshot.ts'
import { presentSnapshot } from '../../csi/present.ts'
import type { Snapshot, SnapshotRequest, SnapshotsResponse } from '../../wire/snapshot.ts'
import type { ServerContext } from '../context.ts'
import { ApiError, badRequest, notFound, unprocessable } from '../errors.ts'
import { holdVolumes } from '../hold-volumes.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import { recordsOfHandle } from '../state/external-volume.ts'
import { type StringMap, volumeKey } from '../state/records.ts'

/**
 * Create Snapshot. The server keeps no record of snapshots: the plugin has them, and is idempotent by name
 * and source, so a create whose answer was lost is repeated by its client. @throws ApiError
 */
export async function createSnapshot(
  context: ServerContext,
  namespace: string,
  request: SnapshotRequest,
): Promise<Snapshot> {
  const { state, plugins } = context
  if (request.Name === '') throw badRequest('missing Name')
  return await holdVolumes(context, [{ namespace, id: request.SourceVolumeID }], async () => {
    const volume = state.csi_volumes.get(volumeKey(namespace, request.SourceVolumeID))
    if (volume === undefined) throw notFound(`no such volume "${request.SourceVolumeID}"`)
    const pluginID = request.PluginID || volume.pluginID
    const { record, client, call } = plugins.live(pluginID)
    if (!record.controller?.SupportsCreateDeleteSnapshot) {
      throw unprocessable(`plugin "${pluginID}" does not support snapshot`)
    }
    let created: Snapshot__Output | null
    try {
      const answer = await client.createSnapshot(
        {
          sourceVolumeId: volume.externalID,
          name: request.Name,
          secrets: { ...volume.secrets, ...request.Secrets },
          parameters: request.Parameters ?? {},
        },
        call,
      )
      created = answer.snapshot
    } catch (error) {
      throw pluginFailure(error, {
        operation: `could not create snapshot: CSI.ControllerCreateSnapshot`,
        meanings: {
          [status.ALREADY_EXISTS]: `snapshot "${request.Name}" already exists but is incompatible with volume ID`,
          [status.ABORTED]: `snapshot "${request.Name}" is already pending`,
          [status.RESOURCE_EXHAUSTED]: `storage provider does not have enough space for this snapshot`,
          [status.INTERNAL]: 'controller plugin returned an internal error',
        },
      })
    }
    if (created === null || created.snapshotId === '') {
      throw new ApiError(502, `could not create snapshot: plugin ${pluginID} answered no snapshot_id`)
    }
    return {
      ...presentSnapshot(created),
      ...unanswered,
      SourceVolumeID: request.SourceVolumeID,
      PluginID: pluginID,
      Name: request.Name,
    }
  })
}

/** Delete Snapshot. @throws ApiError */
export async function deleteSnapshot(
  { plugins }: ServerContext,
  pluginID: string,
  snapshotID: string,
  secrets: StringMap,
): Promise<void> {
  if (snapshotID === '') throw badRequest('missing snapshot_id: missing SnapshotID')
  const { record, client, call } = plugins.live(pluginID)
  if (!record.controller?.SupportsCreateDeleteSnapshot) {
    throw unprocessable(`plugin "${pluginID}" does not support snapshot`)
  }
  try {
    await client.deleteSnapshot({ snapshotId: snapshotID, secrets }, call)
  } catch (error) {
    throw pluginFailure(error, {
      operation: `could not delete "${snapshotID}": CSI.ControllerDeleteSnapshot`,
      meanings: {
        [status.FAILED_PRECONDITION]: `snapshot "${snapshotID}" could not be deleted because it is in use`,
        [status.ABORTED]: `snapshot "${snapshotID}" has a pending operation`,
        [status.INTERNAL]: 'controller plugin returned an internal error',
      },
      statuses: { [status.FAILED_PRECONDITION]: 409 },
    })
  }
}

/** Fields of a snapshot that only its request fills; Nomad's answers have them too. */
const unanswered = { SourceVolumeID: '', Name: '', Secrets: null, Parameters: null }

/** The same snapshots, with the IDs that their volumes have in a namespace. */
export function withSourceVolumes<Response extends SnapshotsResponse>(
  { state }: ServerContext,
  namespace: string,
  response: Response,
): Response {
  const sourceOf = ({ PluginID = '', ExternalSourceVolumeID }: Snapshot) =>
    recordsOfHandle(state, { pluginID: PluginID, externalID: ExternalSourceVolumeID }).find(
      (volume) => volume.namespace === namespace,
    )
  return {
    ...response,
    Snapshots: (response.Snapshots ?? []).map((snapshot) => ({
      ...snapshot,
      SourceVolumeID: sourceOf(snapshot)?.id ?? '',
    })),
  }
}

export interface Page {
  /** 0: as many as the plugin likes. */
  readonly perPage: number
  /** The plugin's own token; `''`: the first page. */
  readonly nextToken: string
}

/** List Snapshots: one page of the plugin, the same for every namespace. @throws ApiError */
export async function listSnapshots(
  { plugins }: ServerContext,
  pluginID: string,
  { perPage, nextToken }: Page,
  secrets: StringMap,
): Promise<SnapshotsResponse> {
  const { record, client, call } = plugins.live(pluginID)
  if (!record.controller?.SupportsListSnapshots) {
    throw unprocessable('plugin does not support listing snapshots')
  }
  try {
    const answer = await client.listSnapshots(
      { maxEntries: perPage, startingToken: nextToken, secrets },
      call,
    )
    return {
      Snapshots: answer.entries.flatMap(({ snapshot }) =>
        snapshot === null || snapshot.snapshotId === ''
          ? []
          : [{ ...presentSnapshot(snapshot), ...unanswered, PluginID: pluginID }],
      ),
      NextToken: answer.nextToken,
    }
  } catch (error) {
    throw pluginFailure(error, listWording('CSI.ControllerListSnapshots'))
  }
}

/** How a refused page reads; ABORTED is CSI's word for a token that is not valid. */
export const listWording = (operation: string) => ({
  operation,
  meanings: {
    [status.ABORTED]: 'invalid starting token',
    [status.INTERNAL]: 'controller plugin returned an internal error',
  },
  statuses: { [status.ABORTED]: 400 },
})
