import { OperationError } from '../lib/errors.ts'
import { stringifyJSON } from '../lib/json.ts'
import { redactSecrets } from '../lib/redact.ts'
import { type SnapshotsRequest, SnapshotsResponse } from '../wire/snapshot.ts'
import type { VolumeRequest, VolumesRequest } from '../wire/volume.ts'
import { type Call, classifyAnswer, classifyNonsense } from './error-table.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'
import { createAnswerParser } from './parse-answer.ts'
import type { VolumesApi } from './ports.ts'
import { formatSecretsHeader, secretsHeaderName } from './secrets-header.ts'
import { titleOf, volumePath } from './volume-address.ts'

/** The calls of the Volumes API that change something, each sent once. @param timeoutMs - for each */
export function createVolumesApi(http: Http, timeoutMs: number): VolumesApi {
  const parseSnapshots = createAnswerParser(SnapshotsResponse)

  /** @param secrets - sent with the request, and kept out of the error text that comes back */
  async function write(
    request: Omit<HttpRequest, 'timeoutMs'>,
    secrets: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const answer = await http.send({ ...request, timeoutMs })
    if (answer.status === 200) return answer
    throw classifyAnswer(answer.status, redactSecrets(answer.text, Object.entries(secrets)), request.call)
  }

  async function putVolume(
    type: Call['type'],
    verb: 'create' | 'register',
    suffix: string,
    volume: VolumeRequest & { Namespace: string },
    signal: AbortSignal | undefined,
  ) {
    const body: VolumesRequest = { Volumes: [volume] }
    // The body of the answer is not looked at: it is empty before Nomad 1.10.5, and without health after.
    await write(
      {
        call: { title: titleOf(verb, volume.Namespace, volume.ID), type },
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
        call: { title: titleOf('deregister', namespace, volumeID), type: 'write' },
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
          call: { title: titleOf('delete', namespace, volumeID), type: 'delete volume' },
          operation: 'delete_volume',
          method: 'DELETE',
          path: `${volumePath(volumeID)}/delete`,
          query: { namespace },
          headers: secretHeaders(secrets),
          signal,
        },
        secrets,
      )
      await unlessGone(request, 'VolumeNotFound')
    },

    async detachVolume(namespace, volumeID, nodeID, signal) {
      await write({
        call: { title: titleOf('detach', namespace, volumeID), type: 'write' },
        operation: 'detach_volume',
        method: 'DELETE',
        path: `${volumePath(volumeID)}/detach`,
        query: { namespace, node: nodeID },
        signal,
      })
    },

    async createSnapshot(namespace, snapshot, signal) {
      const body: SnapshotsRequest = { Snapshots: [snapshot] }
      const call: Call = {
        title: `create snapshot "${snapshot.Name}" of volume "${snapshot.SourceVolumeID}" in namespace "${namespace}"`,
        type: 'write',
      }
      const answer = await write(
        {
          call,
          operation: 'create_snapshot',
          method: 'PUT',
          path: '/volumes/snapshot',
          query: { namespace },
          body: stringifyJSON(body),
          signal,
        },
        snapshot.Secrets ?? {},
      )
      const created = parseSnapshots(answer.text, call).Snapshots?.[0]
      if (!created) throw classifyNonsense('the answer holds no snapshot', call)
      return created
    },

    async deleteSnapshot(pluginID, snapshotID, secrets, signal) {
      const request = write(
        {
          call: { title: `delete snapshot "${snapshotID}" of plugin "${pluginID}"`, type: 'delete snapshot' },
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
