import { OperationError } from '../lib/errors.ts'
import { stringifyJSON } from '../lib/json.ts'
import { redactSecrets } from '../lib/redact.ts'
import { type SnapshotsRequest, SnapshotsResponse } from '../wire/snapshot.ts'
import type { VolumeRequest, VolumesRequest } from '../wire/volume.ts'
import { classifyAnswer, classifyNonsense, type Purpose } from './error-table.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'
import { createAnswerParser } from './parse-answer.ts'
import type { CSIVolumesApi } from './ports.ts'
import { formatSecretsHeader, secretsHeaderName, sendableSecrets } from './secrets-header.ts'
import { titleOf, volumePath } from './volume-address.ts'

/** The writes of the Volumes API. Each is sent once. @param timeoutMs for each */
export function createVolumesApi(http: Http, timeoutMs: number): CSIVolumesApi {
  const parseSnapshots = createAnswerParser(SnapshotsResponse)

  /** @param secrets those in the request, which are removed from the error text of the answer */
  async function write(
    request: Omit<HttpRequest, 'timeoutMs'>,
    secrets: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const answer = await http.send({ ...request, timeoutMs })
    if (answer.status === 200) return answer
    throw classifyAnswer(answer.status, redactSecrets(answer.text, Object.entries(secrets)), request.purpose)
  }

  async function putVolume(
    type: Purpose['type'],
    verb: 'create' | 'register',
    suffix: string,
    volume: VolumeRequest & { Namespace: string },
    signal: AbortSignal | undefined,
  ) {
    const body: VolumesRequest = { Volumes: [volume] }
    // The answer's body is ignored: it is empty before Nomad 1.10.5, and has no health of the plugin later.
    await write(
      {
        purpose: { title: titleOf(verb, volume.Namespace, volume.ID), type },
        operation: `${verb}_volume`,
        method: 'PUT',
        path: `${volumePath(volume.ID)}${suffix}`,
        query: { namespace: volume.Namespace },
        body: stringifyJSON(body),
        signal,
      },
      volume.Secrets ?? {},
    )
  }

  return {
    createVolume: (request, signal) => putVolume('create volume', 'create', '/create', request, signal),

    registerVolume: (request, signal) => putVolume('write', 'register', '', request, signal),

    async deregisterVolume(namespace, volumeID, signal) {
      const request = write({
        purpose: { title: titleOf('deregister', namespace, volumeID), type: 'write' },
        operation: 'deregister_volume',
        method: 'DELETE',
        path: volumePath(volumeID),
        query: { namespace },
        signal,
      })
      await unlessGone(request, 'VolumeNotFound')
    },

    async deleteVolume(namespace, volumeID, secrets, signal) {
      const request = write(
        {
          purpose: { title: titleOf('delete', namespace, volumeID), type: 'delete volume' },
          operation: 'delete_volume',
          method: 'DELETE',
          path: `${volumePath(volumeID)}/delete`,
          query: { namespace },
          headers: secretHeaders(sendableSecrets(secrets)),
          signal,
        },
        secrets,
      )
      await unlessGone(request, 'VolumeNotFound')
    },

    async detachVolume(namespace, volumeID, nodeID, signal) {
      await write({
        purpose: { title: titleOf('detach', namespace, volumeID), type: 'write' },
        operation: 'detach_volume',
        method: 'DELETE',
        path: `${volumePath(volumeID)}/detach`,
        query: { namespace, node: nodeID },
        signal,
      })
    },

    async createSnapshot(namespace, snapshot, signal) {
      const body: SnapshotsRequest = { Snapshots: [snapshot] }
      const purpose: Purpose = {
        title: `create snapshot "${snapshot.Name}" of volume "${snapshot.SourceVolumeID}" in namespace "${namespace}"`,
        type: 'write',
      }
      const answer = await write(
        {
          purpose,
          operation: 'create_snapshot',
          method: 'PUT',
          path: '/volumes/snapshot',
          query: { namespace },
          body: stringifyJSON(body),
          signal,
        },
        snapshot.Secrets ?? {},
      )
      const created = parseSnapshots(answer.text, purpose).Snapshots?.[0]
      if (!created) throw classifyNonsense('the answer holds no snapshot', purpose)
      return created
    },

    async deleteSnapshot(pluginID, snapshotID, secrets, signal) {
      const request = write(
        {
          purpose: {
            title: `delete snapshot "${snapshotID}" of plugin "${pluginID}"`,
            type: 'delete snapshot',
          },
          operation: 'delete_snapshot',
          method: 'DELETE',
          path: '/volumes/snapshot',
          query: { plugin_id: pluginID, snapshot_id: snapshotID },
          headers: secretHeaders(secrets),
          signal,
        },
        secrets,
      )
      await unlessGone(request, 'SnapshotNotFound')
    },
  }
}

function secretHeaders(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const header = formatSecretsHeader(secrets)
  return header === undefined ? {} : { [secretsHeaderName]: header }
}

async function unlessGone(request: Promise<unknown>, reason: string): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!(error instanceof OperationError && error.reason === reason)) throw error
  }
}
